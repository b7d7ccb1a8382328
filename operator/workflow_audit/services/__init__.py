"""Use cases, one class each; what they need is passed in."""
