"""The certificate of the server of readers, over years, with several operators and accidents."""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from workflow_audit.domain.serving_certificates import SETTLE, Stored, ends_at
from workflow_audit.services.serving_certificate import CertificateKeeper

BEGIN = datetime(2026, 11, 27, tzinfo=UTC)
HOSTS = ("workflow-audit-apiserver.workflow-audit.svc",)
LIFE = timedelta(days=30)

HEARD_SECONDS = 5.0
"""After which the API servers of this cluster know of a change."""


@dataclass
class Cluster:
    """A Secret, what the API server was told, and what both have made of it."""

    now: datetime = BEGIN
    secret: Stored | None = None
    bundle: str = ""
    versions: int = 0
    bundle_version: int = 0
    told: list[tuple[datetime, str]] = field(default_factory=lambda: [(BEGIN, "")])
    loaded: list[str] = field(default_factory=list)
    """Every certificate that some server may still have."""

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - BEGIN).total_seconds()

    def write(self, secret: Stored) -> None:
        self.versions += 1
        self.secret = replace(secret, version=str(self.versions))
        if secret.served and secret.served not in self.loaded:
            self.loaded.append(secret.served)

    def check(self) -> None:
        """Insist that whatever is served is believed, by whichever API server."""
        heard = self.now - timedelta(seconds=HEARD_SECONDS)
        while len(self.told) > 1 and self.told[1][0] <= heard:
            self.told.pop(0)  # all have heard of the one after it
        for served in self.loaded:
            if self.now < ends_at(served):
                for _, authorities in self.told:
                    assert believed(served, authorities), self.now


def believed(served: str, authorities: str) -> bool:
    certificate = x509.load_pem_x509_certificate(served.encode())
    for authority in x509.load_pem_x509_certificates(authorities.encode()):
        if authority.subject == certificate.issuer:
            certificate.verify_directly_issued_by(authority)
            return True
    return False


@dataclass
class View:
    """What one operator sees; others may be quicker."""

    cluster: Cluster
    version: int = 0

    async def stored(self) -> Stored | None:
        return self.cluster.secret

    async def store(self, wanted: Stored) -> bool:
        present = self.cluster.secret
        if wanted.version != (present.version if present else ""):
            return False
        self.cluster.write(wanted)
        return True

    async def told(self) -> str:
        self.version = self.cluster.bundle_version
        return self.cluster.bundle

    async def tell(self, authorities: str) -> bool:
        cluster = self.cluster
        if self.version != cluster.bundle_version:
            return False
        cluster.bundle, cluster.bundle_version = authorities, cluster.bundle_version + 1
        cluster.told.append((cluster.now, authorities))
        return True


def keeper(cluster: Cluster) -> CertificateKeeper:
    return CertificateKeeper(View(cluster), HOSTS, LIFE, cluster.clock, cluster.monotonic)


async def settled(cluster: Cluster, *keepers: CertificateKeeper) -> None:
    """Let operators work until they wait."""
    for _ in range(20):
        pauses = [await each.keep() for each in keepers]
        if min(pauses) > 1:
            return
    raise AssertionError("they never rest")


async def test_the_first_certificate_is_there_at_once() -> None:
    cluster = Cluster()
    await settled(cluster, keeper(cluster))
    assert cluster.secret
    assert believed(cluster.secret.served, cluster.bundle)
    assert cluster.secret.following == ""
    assert cluster.secret.authorities == cluster.bundle


async def test_a_namespace_may_have_the_longest_name_there_is() -> None:
    cluster = Cluster()
    host = f"workflow-audit-apiserver.{'n' * 63}.svc"
    objects = View(cluster)
    long = CertificateKeeper(objects, (host,), LIFE, cluster.clock, cluster.monotonic)
    await settled(cluster, long)
    assert cluster.secret
    assert believed(cluster.secret.served, cluster.bundle)


async def test_only_the_servers_own_key_is_kept() -> None:
    cluster = Cluster()
    await settled(cluster, keeper(cluster))
    stored = cluster.secret
    assert stored
    assert "PRIVATE" in stored.key
    assert "PRIVATE" not in stored.served + stored.authorities + cluster.bundle


def accidents(seed: int) -> Iterator[str]:
    """Give what happens in each quarter of a day; mostly nothing."""
    chance = random.Random(seed)  # noqa: S311 - the same at each run
    while True:
        yield chance.choice(["removed", "broken", "stopped"]) if chance.random() < 0.01 else ""


def happen(cluster: Cluster, accident: str) -> None:
    if accident == "removed":
        cluster.secret = None
    elif accident == "broken" and cluster.secret:
        part = ("key", "served", "authorities")[cluster.versions % 3]
        broken = replace(cluster.secret, **{part: "-----BEGIN NONSENSE-----"})
        cluster.write(replace(broken, served="" if part == "served" else broken.served))


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_is_served_is_believed_for_a_year(seed: int) -> None:
    cluster = Cluster()
    operators = [keeper(cluster), keeper(cluster)]
    await settled(cluster, *operators)
    cluster.now += timedelta(seconds=HEARD_SECONDS * 2)
    for accident, _ in zip(accidents(seed), range(4 * 365), strict=False):
        happen(cluster, accident)
        if accident == "stopped":
            operators[seed % 2] = keeper(cluster)  # starts anew, and remembers nothing
        pauses = [0.0]
        while min(pauses) < 1 or (cluster.secret and cluster.secret.following):
            pauses = [await each.keep() for each in operators]
            cluster.check()
            cluster.now += timedelta(seconds=min(pauses) or 0.1)
            cluster.check()
        cluster.now += timedelta(hours=6)
    assert cluster.secret
    assert cluster.now < ends_at(cluster.secret.served)
    assert len(cluster.loaded) >= 365 / 20, "a life of 30 days is renewed after 20"
    assert len(cluster.loaded) < 50, "and not at every turn"


async def test_a_renewal_waits_until_all_have_heard() -> None:
    cluster = Cluster()
    one = keeper(cluster)
    await settled(cluster, one)
    first = cluster.secret
    cluster.now += LIFE * 2 / 3
    await settled(cluster, one)
    assert first
    assert cluster.secret
    assert cluster.secret.served == first.served
    assert cluster.bundle.endswith(first.authorities), "both are trusted before anything changes"
    cluster.now += SETTLE
    await settled(cluster, one)
    assert cluster.secret.served != first.served
    assert cluster.secret.key == first.key, "cursors outlive it"


async def test_an_operator_that_starts_late_waits_as_long() -> None:
    cluster = Cluster()
    await settled(cluster, keeper(cluster))
    cluster.now += LIFE * 2 / 3
    await settled(cluster, keeper(cluster))
    first = cluster.secret
    cluster.now += SETTLE / 2
    late = keeper(cluster)
    await settled(cluster, late)
    cluster.now += SETTLE * 3 / 4
    await settled(cluster, late)
    assert cluster.secret is first
    cluster.now += SETTLE / 2
    await settled(cluster, late)
    assert cluster.secret is not first


async def test_of_two_that_begin_at_once_one_is_beaten_and_goes_on_from_there() -> None:
    cluster = Cluster()
    one, other = View(cluster), View(cluster)
    assert await one.stored() is None
    assert await other.stored() is None
    made = keeper(cluster)._issued(Stored("", "", ""))
    assert await one.store(made)
    assert not await other.store(keeper(cluster)._issued(Stored("", "", "")))
    await settled(cluster, keeper(cluster), keeper(cluster))
    assert cluster.secret
    assert cluster.secret.served == made.following


async def test_what_was_broken_is_said_and_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    cluster = Cluster()
    one = keeper(cluster)
    await settled(cluster, one)
    assert cluster.secret
    assert not [each for each in caplog.records if each.levelno > logging.INFO]
    key = cluster.secret.key
    cluster.write(replace(cluster.secret, key="correct-horse-demo"))
    await settled(cluster, one)
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert warning.getMessage() == (
        "server of readers: a new certificate was put aside: tls.key is no private key"
    )
    for secret in (key, "correct-horse-demo", cluster.secret.key):
        assert secret.splitlines()[-1] not in caplog.text
