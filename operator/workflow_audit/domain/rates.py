"""How often somebody may do something: a token bucket."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """So often in the long run, and so often at once after a rest."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Bucket:
    """How many times are left, as of some instant."""

    left: float
    at_seconds: float
    """On a clock that only goes forward."""


def taken(rate: Rate, bucket: Bucket | None, now_seconds: float) -> tuple[Bucket, float]:
    """Take one; gives what is left then, and 0, or the seconds until there is one to be taken.

    Args:
        rate: how fast the bucket fills, and how much it holds.
        bucket: what was left the last time; None is a full one.
        now_seconds: on the bucket's clock.
    """
    if bucket is None:
        bucket = Bucket(rate.burst, now_seconds)
    rested = max(now_seconds - bucket.at_seconds, 0)
    left = min(bucket.left + rested * rate.per_second, rate.burst)
    if left < 1:
        return Bucket(left, now_seconds), (1 - left) / rate.per_second
    return Bucket(left - 1, now_seconds), 0
