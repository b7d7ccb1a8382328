"""Settings of hypothesis for all unit tests."""

from hypothesis import HealthCheck, settings

# Time limits measure the machine's other work, not ours.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
