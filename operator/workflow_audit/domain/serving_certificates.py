"""When the certificate of the server of readers is made anew, and in which order it is exchanged.

Each certificate has an authority of its own, which lasts as long as it and whose key is thrown
away: so a renewal always exchanges both, in one and the same way. The order keeps everybody who
verifies in agreement with everybody who serves:
1. A new certificate is put aside, and its authority beside those that are trusted.
2. The API server is told of all trusted authorities.
3. Once it has known them for SETTLE, the new certificate is served.
An authority stays trusted until it ends, so that it matters to nobody when a server takes note. The
server's own key stays the same: cursors are signed with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

SETTLE = timedelta(seconds=20)
"""How long all replicas of the API server may take to take note of the authorities."""

LONGEST_PAUSE = timedelta(seconds=15)
"""When to look again at the latest: somebody may have removed or changed something."""

MOST_AUTHORITIES = 16
"""Should the Secret be removed again and again, those that were made first are forgotten first."""


@dataclass(frozen=True)
class Stored:
    """What the Secret has, in PEM."""

    key: str = field(repr=False)
    served: str
    """The certificate in use; empty while there is none."""

    authorities: str
    """Whom to trust, the newest first."""

    following: str = ""
    """The certificate that was put aside."""

    version: str = ""
    """Of the Secret as it was read; empty for one that is not there yet."""


@dataclass(frozen=True)
class Issue:
    """Put a new certificate aside."""

    reason: str
    kept: Stored
    """What goes on to be used; without a key a new one is made."""

    mends: bool = False
    """Whether something was wrong."""


@dataclass(frozen=True)
class Tell:
    """Tell the API server whom to trust."""

    authorities: str


@dataclass(frozen=True)
class Serve:
    """Serve the certificate that was put aside."""

    stored: Stored


@dataclass(frozen=True)
class Wait:
    """Look again later."""

    pause: timedelta


Step = Issue | Tell | Serve | Wait


def next_step(
    stored: Stored | None, told: str, known_for: timedelta, hosts: Sequence[str], now: datetime
) -> Step:
    """Give what to do next.

    Args:
        stored: what the Secret has; None where it is not there.
        told: whom the API server trusts, in PEM.
        known_for: how long it is known to trust all of `stored.authorities`.
        hosts: names by which the server is called.
        now: the present instant.
    """
    if stored is None:
        trusted = _unexpired(now, told)
        return Issue("there is none", Stored("", "", trusted))
    if problem := _problem(stored, hosts):
        trusted = _unexpired(now, stored.authorities, told)
        key = "" if _public_key(stored.key) is None else stored.key
        return Issue(problem, Stored(key, "", trusted, version=stored.version), mends=True)
    if told.strip() != stored.authorities.strip():
        return Tell(stored.authorities)
    if stored.following:
        # With another authority that has not ended, servers may be running with its certificate.
        waits = len(_certificates(_unexpired(now, stored.authorities))) > 1
        left = SETTLE - known_for if waits else timedelta(0)
        served = Stored(stored.key, stored.following, stored.authorities, "", stored.version)
        return Wait(min(left, LONGEST_PAUSE)) if left > timedelta(0) else Serve(served)
    due = renewed_at(stored.served)
    if due <= now:
        trusted = _unexpired(now, stored.authorities)
        kept = Stored(stored.key, stored.served, trusted, version=stored.version)
        return Issue(f"the present one ends {ends_at(stored.served):%Y-%m-%d %H:%M:%S} UTC", kept)
    return Wait(min(due - now, LONGEST_PAUSE))


def renewed_at(certificate: str) -> datetime:
    """Give when a certificate is renewed: after two thirds of its life."""
    found = _certificates(certificate)[0]
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    return begin + (end - begin) * 2 / 3


def ends_at(certificate: str) -> datetime:
    """Give when a certificate ends."""
    return _certificates(certificate)[0].not_valid_after_utc


def chain_ends_at(chain: str) -> datetime | None:
    """Give when the first certificate of a chain ends, by time; None where there is none."""
    return min((each.not_valid_after_utc for each in _certificates(chain)), default=None)


def _problem(stored: Stored, hosts: Sequence[str]) -> str | None:
    """Say what is wrong, without saying anything of what is in there."""
    key = _public_key(stored.key)
    if key is None:
        return "tls.key is no private key"
    authorities = _certificates(stored.authorities)
    if not authorities:
        return "ca.crt has no certificate"
    if not stored.served and not stored.following:
        return "tls.crt has no certificate"
    named = {"tls.crt": stored.served, "next.crt": stored.following}
    for name, text in named.items():
        if text and (problem := _mismatch(text, key, authorities, hosts)):
            return f"{name} {problem}"
    return None


def _mismatch(
    text: str, key: bytes, authorities: Sequence[x509.Certificate], hosts: Sequence[str]
) -> str | None:
    certificate = next(iter(_certificates(text)), None)
    if certificate is None:
        return "has no certificate"
    if _public_bytes(certificate.public_key()) != key:
        return "does not belong to tls.key"
    if not set(hosts) <= _names(certificate):
        return f"is not for {hosts[0]}"
    if not any(_issued(certificate, authority) for authority in authorities):
        return "was not issued by an authority in ca.crt"
    return None


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return set(found.value.get_values_for_type(x509.DNSName))


def _unexpired(now: datetime, *authorities: str) -> str:
    """Give the authorities that have not ended, each once."""
    found = dict.fromkeys(each for text in authorities for each in _certificates(text))
    kept = [each for each in found if each.not_valid_after_utc > now][:MOST_AUTHORITIES]
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in kept)


def _certificates(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return []


def _public_key(pem_key: str) -> bytes | None:
    try:
        key = serialization.load_pem_private_key(pem_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return _public_bytes(key.public_key())


def _public_bytes(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
