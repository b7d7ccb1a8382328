"""resourceVersion: a position in the order of recording, plus one.

One more, because the Kubernetes API gives 0 a meaning of its own ("any"), and the list of a
database without events needs a version too: a watch from there on tells what is recorded next.
"""


def resource_version(position: int) -> str:
    """Give the version that stands for everything up to a position; 0 is before the first event."""
    return str(position + 1)


def position_of(version: int) -> int | None:
    """Give the position that a version stands for; None for 0, which is any."""
    return version - 1 if version else None
