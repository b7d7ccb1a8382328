"""Reading over HTTP: the aggregated API for kubectl, and REST for programs."""
