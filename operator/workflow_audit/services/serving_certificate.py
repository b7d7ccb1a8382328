"""Keep the certificate of the server of readers, and have the API server trust it.

What always holds:
- At every moment all that the server of readers may serve is trusted by the API server.
- Of several operators one writes; the others find it done, and go on from there.
- What is not ours is not touched. Private keys are neither logged nor part of an error.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from workflow_audit.certificates import Signer, new_key
from workflow_audit.domain.serving_certificates import (
    Issue,
    Serve,
    Step,
    Stored,
    Tell,
    Wait,
    ends_at,
    next_step,
)

log = logging.getLogger(__name__)

AGAIN_SECONDS = 0.0
BEATEN_SECONDS = 1.0


class Objects(Protocol):
    """The Secret with the certificate, and whom the API server trusts."""

    async def stored(self) -> Stored | None:
        """Give what the Secret has."""
        ...

    async def store(self, wanted: Stored) -> bool:
        """Write the Secret; False when somebody else has written it since."""
        ...

    async def told(self) -> str:
        """Give whom the API server trusts."""
        ...

    async def tell(self, authorities: str) -> bool:
        """Tell the API server whom to trust; False when somebody else has told it since."""
        ...


@dataclass
class CertificateKeeper:
    """Takes one step at a time."""

    objects: Objects
    hosts: tuple[str, ...]
    """By which the server is called; the first one is that of the API server."""

    lifetime: timedelta
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    _known: tuple[str, float] = field(default=("", 0.0), init=False)
    """Whom the API server trusts, and since when that is known."""

    async def keep(self, _key: str = "") -> float:
        """Take the next step; gives after how many seconds to look again.

        Raises:
            CertificateError: somebody else's objects are in the way, or ours are missing.
            ClusterError: the API server refuses, or cannot be reached.
        """
        # In this order: whoever tells of something has stored it first, so that we cannot tell of
        # something older afterwards.
        told = await self.objects.told()
        stored = await self.objects.stored()
        if told != self._known[0]:
            self._known = told, self.monotonic()
        known_for = timedelta(seconds=self.monotonic() - self._known[1])
        return await self._take(next_step(stored, told, known_for, self.hosts, self.clock()))

    async def _take(self, step: Step) -> float:
        match step:
            case Wait(pause):
                return pause.total_seconds()
            case Tell(authorities):
                done = await self.objects.tell(authorities)
                said, level, certificate = "the API server knows whom to trust", logging.INFO, ""
            case Serve(stored):
                done = await self.objects.store(stored)
                said, level = "the new certificate is served", logging.INFO
                certificate = stored.served
            case Issue(reason, kept, mends):
                wanted = self._issued(kept)
                done = await self.objects.store(wanted)
                said = f"a new certificate was put aside: {reason}"
                level, certificate = logging.WARNING if mends else logging.INFO, wanted.following
        if not done:
            return BEATEN_SECONDS
        ends = ends_at(certificate).isoformat() if certificate else None
        log.log(level, "server of readers: %s", said, extra={"ends": ends})
        return AGAIN_SECONDS

    def _issued(self, kept: Stored) -> Stored:
        """Make a certificate of an authority of its own, whose key ends with this call."""
        now = self.clock()
        name = self.hosts[0].partition(".")[0]  # X.509 allows no more than 64 characters
        signer = Signer.create(f"{name} {now:%Y-%m-%dT%H:%M:%SZ}", now, self.lifetime)
        pair = signer.server(name, self.hosts, now, kept.key or new_key())
        authorities = signer.pair.certificate + kept.authorities
        return Stored(pair.key, kept.served, authorities, pair.certificate, kept.version)
