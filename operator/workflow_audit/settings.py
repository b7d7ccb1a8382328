"""Settings from the environment, in groups; only wiring sees them all.

The docstring below a field is its description in `workflow-audit config` and in the
configuration reference. Flags of the command line win over the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from annotated_types import Ge, Le
from cronsim import CronSim, CronSimError
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from workflow_audit.errors import InvalidFieldError

_COMMON = SettingsConfigDict(
    extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
)


class DatabaseSettings(BaseSettings):
    """How PostgreSQL is reached."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_DATABASE_", **_COMMON)

    url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_writer, such as
    postgresql://workflow_audit_writer@db/audit?sslmode=verify-full. Left out, libpq's own
    variables (PGHOST, PGUSER, ...) count. Never printed."""

    url_password_file: Path | None = None
    """File with the password alone, read at every connection, so that it can be rotated without a
    restart; wins over a password in the URL."""


class WriterSettings(BaseSettings):
    """How events reach PostgreSQL."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_WRITER_", **_COMMON)

    batch_rows: int = Field(200, ge=1, le=1000)
    """Most rows in one INSERT; docs/performance.md shows the effect."""

    linger_ms: float = Field(5, ge=0, le=100)
    """Longest wait for company while a batch is in flight; 0 is none."""

    queue_rows: int = Field(2000, ge=1, le=100_000)
    """Most events that wait for the database in memory; more wait in the cluster."""


class OperatorSettings(BaseSettings):
    """How the operator watches searches."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_OPERATOR_", **_COMMON)

    enabled: bool = True
    """The rollback switch: false lets new searches become Skipped, and nothing is written."""

    patience_seconds: float = Field(10, ge=0.1, le=600)
    """How long a search waits for the database before its status says why."""

    retry_seconds: float = Field(15, ge=0.1, le=600)
    """Pause before another attempt at a search that failed for a reason other than time."""

    connections: int = Field(32, ge=1, le=256)
    """Most statuses that are written at a time, each over a connection of its own."""

    searches_in_flight: int = Field(500, ge=10, le=100_000)
    """Most searches between watch and status at a time; more wait in the cluster, so that a
    backlog or an outage costs no memory."""

    catalogue_requests: int = Field(32, ge=1, le=1000)
    """Most searches that the operator runs against the catalogue at a time; more wait for their
    turn, and fail with CatalogueTimeout when it does not come in time."""

    namespace: str = Field("workflow-audit", pattern="^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
    """Namespace for what cluster policies ask for (alert rules and dashboards), and of the Secrets
    with the certificate of the server of readers and with the catalogue's token; by default the
    operator's own."""

    manage_certificates: bool = False
    """Whether the operator makes and renews the certificate of the server of readers, where no
    cert-manager does. It needs the rights of manifests/optional/certificates-by-operator.yaml."""

    certificate_days: int = Field(365, ge=1, le=3650)
    """How long such a certificate and its authority last; both are renewed after two thirds."""

    search_removals_per_second: int = Field(20, ge=1, le=1000)
    """Most searches a second that are removed from the cluster because they are older than their
    policy's searchTTL."""

    exit_timeout_seconds: float = Field(10, ge=0, le=300)
    """How long searches in flight may take after SIGTERM; the rest is left for the next start."""


class RetentionSettings(BaseSettings):
    """How old events are removed."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_RETENTION_", **_COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_retention, to the same database. Left out, retention
    does not run, and nothing is ever removed. Never printed."""

    database_url_password_file: Path | None = None
    """File with the password alone, read at every connection; wins over a password in the URL."""

    schedule: str = "17 3 * * *"
    """When retention runs: a cron expression in UTC. A start after a missed time runs at once."""

    batch_rows: int = Field(5000, ge=1, le=100_000)
    """Most events that one transaction looks at, and perhaps removes."""

    pause_ms: float = Field(50, ge=0, le=60_000)
    """Pause between two such transactions, for those who write and read."""

    @field_validator("schedule")
    @classmethod
    def _names_a_time(cls, schedule: str) -> str:
        try:
            next(CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            raise ValueError(f"no cron expression: {str(error).lower()}") from error
        except StopIteration as error:
            raise ValueError("a cron expression that names no time at all") from error
        return schedule


class ApiServerSettings(BaseSettings):
    """How audit events are read."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_APISERVER_", **_COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_reader; may name standbys too. Never printed."""

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

    model_config = SettingsConfigDict(env_prefix="AUDIT_INGESTION_", **_COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_writer, to the same database. Left out, the server takes
    no events by HTTP. Never printed."""

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
        return bool(self.database_url.get_secret_value())


class HttpSettings(BaseSettings):
    """Where /metrics, /healthz and /readyz are."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_HTTP_", **_COMMON)

    host: str = "0.0.0.0"  # noqa: S104 - kubelet and Prometheus come from outside the pod
    """Address to listen on."""

    port: int = Field(8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and logs it."""


class LogSettings(BaseSettings):
    """How the operator logs."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_LOG_", **_COMMON)

    format: Literal["json", "console"] = "json"
    """json for machines, console for people."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged. Frameworks never log below INFO: their debug lines hold whole
    objects, texts included."""


@dataclass(frozen=True)
class Settings:
    """All groups."""

    database: DatabaseSettings
    writer: WriterSettings
    operator: OperatorSettings
    retention: RetentionSettings
    apiserver: ApiServerSettings
    ingestion: IngestionSettings
    http: HttpSettings
    log: LogSettings


def load_settings(flags: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Give the settings in force.

    Args:
        flags: what the command line gives, by group and field; it wins over the environment.

    Raises:
        InvalidFieldError: a value is refused; names the variable, the value and the remedy.
    """
    flags = flags or {}
    groups: dict[str, Any] = {
        field.name: _group(field.type, flags.get(field.name, {})) for field in fields(Settings)
    }
    return Settings(**groups)


def default_settings() -> Settings:
    """Give the settings that are in force when nothing is given, for the reference."""
    groups: dict[str, Any] = {
        field.name: cast("Any", field.type).model_construct() for field in fields(Settings)
    }
    return Settings(**groups)


def _group(group: Any, flags: Mapping[str, Any]) -> BaseSettings:
    try:
        loaded: BaseSettings = group(**flags)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        field = group.model_fields[name]
        value = "(hidden)" if field.annotation is SecretStr else first["input"]
        said = first["msg"].removeprefix("Value error, ")
        rule = f"is refused: {said[0].lower()}{said[1:]}"
        raise InvalidFieldError(variable_name(group, name), value, rule, _remedy(field)) from None
    return loaded


def variable_name(group: type[BaseSettings], field: str) -> str:
    """Give the environment variable of a field."""
    return f"{group.model_config.get('env_prefix', '')}{field}".upper()


def bounds(field: FieldInfo) -> tuple[Any, Any]:
    """Give the least and the greatest value of a field; None where there is no bound."""
    least = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    greatest = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    return least, greatest


def _remedy(field: FieldInfo) -> str:
    least, greatest = bounds(field)
    allowed = f"give {least} to {greatest}" if least is not None else "give another value"
    return f"{allowed}, or leave it out for {field.default}"
