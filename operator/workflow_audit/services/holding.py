"""Keep the database's legal holds as the policies want them.

The database looks at its own copy of the holds when something is to be removed, so a hold is in
force once it is there. It is brought there when a policy changes, and before each run of retention.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from workflow_audit.domain.holds import hold_changes, wanted_holds
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.errors import DatabaseError, PolicyError
from workflow_audit.models.policy import AnyPolicy
from workflow_audit.models.removal import Hold, PlacedHold

log = logging.getLogger(__name__)

RETRY_SECONDS = 5.0


class Holds(Protocol):
    """The holds that are in force."""

    async def placed(self) -> list[PlacedHold]:
        """Give all of them."""
        ...

    async def place(self, hold: Hold) -> bool:
        """Place a hold or change it; gives whether anything changed."""
        ...

    async def release(self, placed: PlacedHold, policy: AnyPolicy | None, why: str) -> bool:
        """Release a hold; gives whether it was."""
        ...


@dataclass
class HoldMirror:
    """Mirrors the holds of the policies; what is there already costs nothing."""

    policies: Callable[[], KnownPolicies]
    """Raises PoliciesUnknownError while they are not known for sure; then nothing is released."""

    holds: Holds
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _mirrored: list[Hold] | None = None

    def policies_changed(self) -> None:
        """Look at the policies again, soon."""
        self._changed.set()

    async def run(self) -> None:
        """Mirror each change, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                if wanted_holds(self.policies().policies) != self._mirrored:
                    await self.mirror()
            except (DatabaseError, PolicyError) as error:
                log.warning("legal holds are not up to date yet: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._changed.set()

    async def mirror(self) -> None:
        """Place what is missing, then release what no policy has any more.

        Raises:
            PoliciesUnknownError: it is not known for sure what the policies want.
            DatabaseError: it could not be done now.
        """
        async with self._one_at_a_time:
            known = self.policies()
            changes = hold_changes(known, await self.holds.placed())
            for hold in changes.place:
                if await self.holds.place(hold):
                    log.info("placed the legal hold %s of %s", hold.name, hold.policy)
            for release in changes.release:
                hold = release.placed.hold
                if await self.holds.release(release.placed, release.policy, release.why):
                    log.info("released the legal hold %s: %s", hold.name, release.why)
            self._mirrored = wanted_holds(known.policies)
