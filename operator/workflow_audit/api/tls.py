"""Certificates: ours for those who call, and whose certificates may speak for users.

Both are looked at anew at each handshake, so that they can be rotated without a restart. An
SSLContext cannot forget an authority that it was told of; so every change makes a new one, and the
handshake takes the newest (`SSLContext.sni_callback`, which is called without SNI as well).
"""

import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workflow_audit import metrics
from workflow_audit.domain.serving_certificates import chain_ends_at

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int, int, str]


class ServingContext:
    """The TLS side of the server."""

    def __init__(self, certificate: Path, key: Path, authority: Callable[[], str]) -> None:
        """Read the files.

        Args:
            certificate: our own, with its chain, in PEM.
            key: its private key.
            authority: gives the certificates in PEM by which clients' certificates are judged;
                empty while they are not known, and then clients cannot use any.

        Raises:
            OSError: a file cannot be read, or certificate and key do not belong together.
        """
        self._certificate, self._key, self._authority = certificate, key, authority
        self._stamp = self._now()
        self._current = self._made()
        self._note_end()
        self.context = self._made()
        """For the listener."""

        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        try:
            stamp = self._now()
            if stamp != self._stamp:
                self._current, self._stamp = self._made(), stamp
                self._note_end()
        except OSError as error:  # certificate and key are not exchanged at the same moment
            log.warning("the certificates from before are used on: %s", error)
        connection.context = self._current

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A resumed session would skip the check of the client's certificate.
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
        context.load_cert_chain(self._certificate, self._key)
        # Who has a certificate of another authority is turned away, who has none needs a token.
        context.verify_mode = ssl.CERT_OPTIONAL
        if authority := self._authority():
            context.load_verify_locations(cadata=authority)
        return context

    def _note_end(self) -> None:
        """OpenSSL does not tell when a certificate ends that it has loaded."""
        end = chain_ends_at(self._certificate.read_text(encoding="utf-8", errors="replace"))
        metrics.CERTIFICATE_END.set(end.timestamp() if end else 0)

    def _now(self) -> Stamp:
        certificate, key = self._certificate.stat(), self._key.stat()
        return (
            certificate.st_mtime_ns,
            certificate.st_ino,
            key.st_mtime_ns,
            key.st_ino,
            self._authority(),
        )


def common_name(connection: ssl.SSLObject | None) -> str | None:
    """Give the common name of the client's certificate, if it has shown one that was verified."""
    certificate = connection.getpeercert() if connection else None
    if not certificate:
        return None
    subject: Any = certificate.get("subject", ())
    names = [str(value) for part in subject for key, value in part if key == "commonName"]
    return names[0] if names else ""
