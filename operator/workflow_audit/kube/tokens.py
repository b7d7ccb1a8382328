"""The token that the catalogue knows the operator by: one entry of one Secret."""

import asyncio
from base64 import b64decode
from binascii import Error as NoBase64
from typing import Any

from cachetools import TTLCache

from workflow_audit.errors import CatalogueError, ClusterError, CredentialsUnknownError
from workflow_audit.kube import objects
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.catalogue import CatalogueCredentials, SecretKeyReference
from workflow_audit.models.resource import SECRET

KEPT_SECONDS = 10.0
"""How long a token is taken for the present one, so that many searches cost one question."""

TYPE = "Opaque"
"""Another type has another purpose: the key of a certificate is nothing to send to anybody."""

FORBIDDEN = 403
MANIFEST = "manifests/components/catalogue-token/rights.yaml"


class CatalogueTokens:
    """Reads tokens from Secrets of one namespace; none is part of a message."""

    def __init__(self, api: ApiServer, namespace: str) -> None:
        """Know where they are.

        Args:
            api: as an identity that has manifests/components/catalogue-token/rights.yaml.
            namespace: of the Secrets.
        """
        self._api, self._namespace = api, namespace
        self._known: TTLCache[SecretKeyReference, str] = TTLCache(16, KEPT_SECONDS)
        self._asking: dict[SecretKeyReference, asyncio.Task[str]] = {}

    async def token(self, credentials: CatalogueCredentials) -> str:
        """Give the token.

        Raises:
            CatalogueError: there is none, or it cannot be one.
            CredentialsUnknownError: the API server does not say now.
        """
        reference = credentials.secret_ref
        if known := self._known.get(reference):
            return known
        # All who ask at the same time wait for one answer, also where the API server hangs.
        if reference not in self._asking:
            self._asking[reference] = asyncio.create_task(self._read(reference))
        return await asyncio.shield(self._asking[reference])

    async def _read(self, reference: SecretKeyReference) -> str:
        place = f"Secret {self._namespace}/{reference.name}"
        try:
            token = _token(place, reference.key, await self._secret(place, reference.name))
        finally:
            del self._asking[reference]
        self._known[reference] = token
        return token

    async def _secret(self, place: str, name: str) -> dict[str, Any]:
        try:
            found = await objects.find(self._api, SECRET, self._namespace, name)
        except ClusterError as error:
            if error.status == FORBIDDEN:
                raise _missing(f"the operator may not get {place}; apply {MANIFEST}") from None
            raise CredentialsUnknownError(f"{place} is not known: {error}") from error
        if found is None:
            raise _missing(f"{place} is not there; create it")
        if found.get("type") != TYPE:
            raise _missing(f"{place} is not of type {TYPE}; create one of its own for the token")
        return found


def _token(place: str, key: str, secret: dict[str, Any]) -> str:
    packed = (secret.get("data") or {}).get(key)
    if packed is None:
        raise _missing(f"{place} has no key {key}; add the token under it")
    try:
        token = b64decode(packed, validate=True).decode("ascii").strip()
    except (NoBase64, UnicodeDecodeError):
        token = ""
    if not token or not token.isprintable() or " " in token:
        raise _missing(f"{key} of {place} is no token; give it one line of visible characters")
    return token


def _missing(message: str) -> CatalogueError:
    return CatalogueError("CatalogueCredentialsMissing", message)
