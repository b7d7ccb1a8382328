"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """Searches offered on a fixed schedule."""

    per_second: int
    seconds: int

    @property
    def count(self) -> int:
        """How many that are."""
        return self.per_second * self.seconds


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sample sizes of one run."""

    rounds: int = 3
    """Repeats of whatever is compared as a pair; the median counts."""

    connections: int = 32
    ceiling: int = 1500
    """Searches that the bare client creates and patches, before and after each drain."""

    drain: int = 3000
    drains: int = 5
    """Backlogs; more than rounds, because a busy neighbour disturbs these the most."""

    warm_up: int = 50
    """Searches before the first measured one of a rate."""

    rates: tuple[Rate, ...] = (Rate(10, 30), Rate(50, 20))
    write_rate: Rate = Rate(50, 20)
    write_callers: int = 400
    """Events in flight at saturation: one full batch being committed and one being filled."""

    rows: int = 20_000
    """Rows of one write, of one COPY, and of the table that is weighed; at most 24,000, which is
    what fits into the shortest month at one event every 100 s."""

    backlog: int = 20_000
    idle_seconds: float = 10.0
    """Before the memory of an operator that has nothing to do is read."""

    expired_rows: int = 1_000_000
    """Events that retention removes while others are being written."""

    events: int = 10_000_000
    """Events of a year among which is read; `--events` changes it."""

    depth: int = 1_000_000
    """How many events stand before a deep page."""

    reads: int = 200
    """Requests of one kind, one after the other."""

    reads_at_once: int = 400
    """Requests of one kind, with `readers` of them at a time."""

    readers: int = 16
    cold_rounds: int = 3
    exported: int = 1_000_000
    policies: int = 500
    policy_namespaces: int = 200
    ingested_singly: int = 2000
    """Events of each number of clients."""

    ingested_in_batches: int = 20_000
    """Events of one round."""

    ingested_sustained: Rate = Rate(1000, 300)
    library_calls: int = 3000
    """Calls of the client library, for each state that the server may be in."""


FULL = Sizes()
QUICK = Sizes(
    rounds=1,
    ceiling=200,
    drain=400,
    drains=1,
    warm_up=10,
    rates=(Rate(10, 5), Rate(50, 4)),
    write_rate=Rate(50, 4),
    rows=2000,
    backlog=1000,
    idle_seconds=3.0,
    expired_rows=20_000,
    events=100_000,
    depth=10_000,
    reads=20,
    reads_at_once=80,
    cold_rounds=1,
    exported=20_000,
    policies=50,
    policy_namespaces=20,
    ingested_singly=100,
    ingested_in_batches=2000,
    ingested_sustained=Rate(1000, 6),
    library_calls=300,
)
"""To see that it works; its figures mean little."""
