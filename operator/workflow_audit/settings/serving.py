"""Settings of the server of readers, which also takes events by HTTP."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from workflow_audit.settings.process import COMMON


class ApiServerSettings(BaseSettings):
    """How audit events are read."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_APISERVER_", **COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_reader; may name standbys too. Never printed."""

    database_url_file: Path | None = None
    """File with the URL, read at every connection; wins over the URL itself."""

    database_url_password_file: Path | None = None
    """File with the password alone, read at every connection; wins over a password in the URL."""

    database_connections: int = Field(8, ge=1, le=100)
    """Most queries at a time; more wait."""

    answer_seconds: float = Field(10, ge=0.1, le=600)
    """Longest time for one answer of the database."""

    requests_per_second: int = Field(50, ge=0, le=100_000)
    """Most requests a second of one user, over a longer time; more are answered with 429 and
    Retry-After. 0 is any number. Each replica counts on its own."""

    requests_burst: int = Field(200, ge=1, le=100_000)
    """Most requests of one user at once after a rest."""

    requests_at_once: int = Field(4, ge=0, le=1000)
    """Most requests of one user in work at a time; more wait a moment, then they are answered with
    429. Less than AUDIT_APISERVER_DATABASE_CONNECTIONS keeps some for the others. 0 is any
    number."""

    host: str = "0.0.0.0"  # noqa: S104 - the API server comes from outside the pod
    """Address to listen on."""

    port: int = Field(8443, ge=0, le=65535)
    """Port to listen on, with TLS; 0 takes a free one and logs it."""

    tls_certificate: Path = Path("/etc/workflow-audit/tls/tls.crt")
    """File with our certificate and its chain; read again when it changes."""

    tls_key: Path = Path("/etc/workflow-audit/tls/tls.key")
    """File with its private key. Cursors are signed with a key that follows from it, so all
    replicas need the same."""


class IngestionSettings(BaseSettings):
    """How searches are recorded by HTTP, on the server of readers."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_INGESTION_", **COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_writer, to the same database. Left out, the server takes
    no events by HTTP. Never printed."""

    database_url_file: Path | None = None
    """File with the URL, read at every connection; wins over the URL itself."""

    database_url_password_file: Path | None = None
    """File with the password alone, read at every connection; wins over a password in the URL."""

    queue_rows: int = Field(5000, ge=1000, le=100_000)
    """Most events in work, those that wait for the database among them; more are answered with 503
    and Retry-After."""

    batch_rows: int = Field(500, ge=1, le=1000)
    """Most rows in one INSERT."""

    answer_seconds: float = Field(4, ge=0.1, le=600)
    """Longest time for what an answer needs of PostgreSQL and the API server; less than the five
    seconds after which senders give up. What was accepted by then may be recorded later."""

    event_bytes: int = Field(1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest body of a single event; a larger one is answered with 413."""

    batch_bytes: int = Field(8 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    """Largest body of a batch of up to 1,000 events."""

    bytes_under_way: int = Field(32 * 1024 * 1024, ge=1024, le=1024 * 1024 * 1024)
    """Most bytes of all bodies that are not answered yet; more are answered with 503 and
    Retry-After. In memory they take several times as much."""

    body_seconds: float = Field(10, ge=0.1, le=600)
    """Longest time for a body to come; then it is answered with 408."""

    requests_at_once: int = Field(32, ge=0, le=1000)
    """Most requests of one user in work at a time; more wait a moment, then they are answered with
    429. 0 is any number."""

    @property
    def enabled(self) -> bool:
        """Whether events are taken."""
        return bool(self.database_url.get_secret_value() or self.database_url_file)
