"""What every way of sending has in common."""

from collections.abc import Sequence
from typing import Protocol

from workflow_audit.client.outcomes import Outcome
from workflow_audit.client.searches import WaitingSearch


class Transport(Protocol):
    """A way of sending searches to the audit."""

    destination: str
    """To whom it sends: what waits for one is not sent to another."""

    namespace: str | None
    """Of searches that do not say theirs."""

    @property
    def at_once(self) -> int:
        """Give how many searches `send` takes well at a time."""
        ...

    async def send(self, searches: Sequence[WaitingSearch]) -> list[Outcome]:
        """Give what became of each, in their order; never raises, and takes bounded time."""
        ...

    async def close(self) -> None:
        """Close connections; they are opened again when they are needed."""
        ...
