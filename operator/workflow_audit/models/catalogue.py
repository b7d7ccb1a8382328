"""Where the operator runs searches that come without an answer."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from workflow_audit.models.base import Model, cel_rules

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts to which a token may go without TLS: what is sent to them leaves no machine."""


_IS_A_URL = (
    "isURL(self.url) && url(self.url).getHostname() != '' && (url(self.url).getPort() == ''"
    " || (int(url(self.url).getPort()) > 0 && int(url(self.url).getPort()) < 65536))"
)
_SENT_BY_TLS = (
    "!has(self.credentials) || self.url.startsWith('https:') || !isURL(self.url)"
    " || url(self.url).getHostname() in ['localhost', '127.0.0.1', '::1', '[::1]']"
)


class SecretKeyReference(Model):
    """One entry of a Secret in the operator's own namespace."""

    name: str = Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    """Name of the Secret, of type Opaque. The operator needs the right to get it; see
    manifests/components/catalogue-token/rights.yaml."""

    key: str = Field("token", min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")
    """Key of the entry in it."""


class CatalogueCredentials(Model):
    """By what the catalogue knows the operator."""

    secret_ref: SecretKeyReference
    """Where the token is, which is sent as `Authorization: Bearer`."""


class Catalogue(Model):
    """The catalogue that the operator asks."""

    model_config = ConfigDict(
        json_schema_extra=cel_rules(
            (_IS_A_URL, "this is no URL; write it as in https://catalogue.example", ".url"),
            (
                _SENT_BY_TLS,
                "a token may not be sent without TLS; write https://",
                ".url",
            ),
        )
    )

    url: str = Field(max_length=1024, pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$")
    """Address of the catalogue, such as https://catalogue.example; searches are posted to
    /api/v1/workflows/search behind it. It has neither credentials nor a query."""

    credentials: CatalogueCredentials | None = None
    """By what the catalogue knows the operator; without any, no token is sent."""

    ca_bundle: str | None = Field(None, min_length=1, max_length=65536)
    """Certificates in PEM that the catalogue's own is checked against; without any, those of the
    operator's system."""

    timeout_seconds: float = Field(5, ge=0.1, le=5)
    """Longest time for a search, the wait for its turn at the operator included."""

    @field_validator("url")
    @classmethod
    def _names_a_host(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.port == 0:  # port raises a ValueError of its own
            raise ValueError("names no host and port")
        return url

    @model_validator(mode="after")
    def _keeps_its_token_secret(self) -> Self:
        parts = urlsplit(self.url)
        if self.credentials and parts.scheme != "https" and parts.hostname not in LOOPBACK_HOSTS:
            raise ValueError("a token may not be sent without TLS: write https://")
        return self
