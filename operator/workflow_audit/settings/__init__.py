"""Settings from the environment, in groups; only wiring sees them all."""
