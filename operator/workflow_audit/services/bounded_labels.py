"""Label values of a metric, with a bound: each is a series that stays for as long as we run.

A catalogue has some dozens of workflows; but an id is what a searcher writes, and a mistake of his
must not fill the memory of the operator and of Prometheus.
"""

OTHER = "other"


class BoundedLabels:
    """Lets the first values through and calls all later ones `other`."""

    def __init__(self, most: int) -> None:
        """Begin without any.

        Args:
            most: values besides `other`.
        """
        self._most = most
        self._known: set[str] = set()

    def label(self, value: str) -> str:
        """Give what to count a value under, the same at every call."""
        if value not in self._known:
            if len(self._known) >= self._most:
                return OTHER
            self._known.add(value)
        return value
