"""By which certificates a catalogue is known."""

import ssl
from functools import lru_cache

from workflow_audit.errors import InvalidFieldError

CA_BUNDLE = "spec.catalogue.caBundle"
HIDDEN = "(hidden)"
"""What messages say for it: somebody may have put a private key there."""


@lru_cache(maxsize=16)
def trust(ca_bundle: str | None) -> ssl.SSLContext:
    """Give the TLS context for a catalogue; the same one again, so that connections are shared.

    Args:
        ca_bundle: certificates in PEM; None trusts those of the system.

    Raises:
        InvalidFieldError: it holds no certificate.
    """
    if ca_bundle is None:
        return ssl.create_default_context()
    remedy = "give certificates in PEM, from -----BEGIN CERTIFICATE----- on"
    if "-----BEGIN CERTIFICATE-----" not in ca_bundle:
        raise InvalidFieldError(CA_BUNDLE, HIDDEN, "holds no certificate", remedy)
    try:
        return ssl.create_default_context(cadata=ca_bundle)
    except (ssl.SSLError, ValueError) as error:
        raise InvalidFieldError(CA_BUNDLE, HIDDEN, "is no certificate", remedy) from error
