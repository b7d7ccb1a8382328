"""Events that are accepted and not resolved yet, and who waits for them.

Who waits for many events has one future for all of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from workflow_audit.errors import DatabaseError, EventConflictError, shown
from workflow_audit.models.event import Written
from workflow_audit.store.rows import Key, Names, Row

Outcome = Written | DatabaseError
"""What comes of an event: committed, or the error that is its own."""


@dataclass(kw_only=True, slots=True, eq=False)
class PendingEvent:
    """An accepted event; it is resolved once."""

    key: Key
    order: tuple[datetime, UUID]
    """Batches are sorted by it: the indexes by time then fill their pages (30 % fewer bytes in the
    largest), and two writers of the same events wait for each other in one direction only."""

    row: Row
    names: Names
    """What has to be the same where the key is."""

    since: float
    """Event loop time of its acceptance."""

    let_go: Callable[["PendingEvent"], None]
    """Of whoever has accepted it: what it held is free."""

    outcome: Outcome | None = None
    """None until it is resolved."""

    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Called when it is resolved."""

    def resolve(self, outcome: Outcome) -> None:
        """Say what came of it to everybody who waits."""
        if self.outcome is not None:
            raise RuntimeError(f"event {self.key[1]} is resolved already")
        self.outcome = outcome
        self.let_go(self)
        for tell in self.waiting:
            tell()

    def check_same(self, names: Names) -> None:
        """Make sure that an event with the same key is the same event.

        Raises:
            EventConflictError: it is another one, so one of the two would be lost silently.
        """
        differences = [
            f"{name} {shown(ours)} and {shown(theirs)}"
            for name, ours, theirs in zip(Names._fields, self.names, names, strict=True)
            if ours != theirs
        ]
        if differences:
            found = ", ".join(differences)
            raise EventConflictError(f"event_id {self.key[1]} names two events: {found}")


async def all_resolved(events: Sequence[PendingEvent]) -> None:
    """Return once each of some events is resolved."""
    awaited = [event for event in events if event.outcome is None]
    if not awaited:
        return
    left = len(awaited)
    none_left: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def one_less() -> None:
        nonlocal left
        left -= 1
        if not left and not none_left.done():  # it is where its caller has just given up
            none_left.set_result(None)

    for event in awaited:
        event.waiting.append(one_less)
    try:
        await none_left
    finally:  # who has given up is forgotten: he may come again for as long as nothing is written
        for event in awaited:
            if event.outcome is None:
                event.waiting.remove(one_less)
