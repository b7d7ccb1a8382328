"""Ages as kubectl shows them: `45s`, `3m12s`, `5h`, `17d`."""

from datetime import timedelta

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def age(elapsed: timedelta) -> str:
    """Give an age with two units while the second one matters, as kubectl does.

    Source: https://pkg.go.dev/k8s.io/apimachinery/pkg/util/duration#HumanDuration
    """
    seconds = int(elapsed.total_seconds())
    if seconds < 0:  # by a clock that is a little ahead
        return "0s" if seconds >= -1 else "<invalid>"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    for limit, unit, name, lesser, lesser_name in _STEPS:
        if seconds < limit:
            return _written(seconds, unit, name, lesser, lesser_name)
    return f"{seconds // _YEAR}y"


_STEPS = (
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (2 * _DAY, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)
"""Below how many seconds, in which unit, and in which lesser one the rest is told."""


def _written(seconds: int, unit: int, name: str, lesser: int, lesser_name: str) -> str:
    rest = seconds % unit // lesser if lesser else 0
    return f"{seconds // unit}{name}" + (f"{rest}{lesser_name}" if rest else "")
