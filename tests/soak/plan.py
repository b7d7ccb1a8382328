"""What a soak does and for how long; everything random in it follows from the seed."""

from dataclasses import dataclass
from random import Random

LONGEST_CYCLE_SECONDS = 75.0
STORM_SHARE = 0.6
SPARED_SHARE = 0.4
CALM_AFTER_SECONDS = 10.0
"""After the last disturbance; then programs are back, and their backlogs worked off."""

KEPT, PASSING, SWITCHED, OLD = "soak-kept", "soak-passing", "soak-switched", "soak-old"
"""Namespaces: searches that stay; that searchTTL removes; whose policy is switched off and on; and
one of old events, for retention."""

NAMESPACES = (KEPT, PASSING, SWITCHED, OLD)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run."""

    minutes: float
    per_second: float
    seed: int

    @property
    def seconds(self) -> float:
        """How long searches are created."""
        return self.minutes * 60

    @property
    def cycle_seconds(self) -> float:
        """Length of a storm and the calm after it."""
        return min(LONGEST_CYCLE_SECONDS, self.seconds / 2)

    @property
    def storm_seconds(self) -> float:
        """How long disturbances come before they pause."""
        return self.cycle_seconds * STORM_SHARE

    @property
    def spared_from_seconds(self) -> float:
        """When the first program of each kind is left alone, so that its memory can be judged."""
        return self.seconds * (1 - SPARED_SHARE)

    @property
    def ttl(self) -> str:
        """How long recorded searches stay in the namespace of those that pass."""
        return "60s" if self.minutes >= 5 else "15s"

    def random(self, purpose: str) -> Random:
        """Give a source of randomness that nobody else takes from, so that runs can be compared."""
        return Random(f"{self.seed} {purpose}")  # noqa: S311 - no secret
