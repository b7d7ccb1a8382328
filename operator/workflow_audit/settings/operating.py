"""Settings of the operator: recording, retention, comparing."""

from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim, CronSimError
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workflow_audit.settings.process import COMMON


class DatabaseSettings(BaseSettings):
    """How PostgreSQL is reached."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_DATABASE_", **COMMON)

    url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_writer, such as
    postgresql://workflow_audit_writer@db/audit?sslmode=verify-full. Left out, libpq's own
    variables (PGHOST, PGUSER, ...) count. Never printed."""

    url_file: Path | None = None
    """File with the URL, read at every connection, so that a mounted Secret can be rotated without
    a restart; wins over the URL itself."""

    url_password_file: Path | None = None
    """File with the password alone, read at every connection, so that it can be rotated without a
    restart; wins over a password in the URL."""


class WriterSettings(BaseSettings):
    """How events reach PostgreSQL."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_WRITER_", **COMMON)

    batch_rows: int = Field(200, ge=1, le=1000)
    """Most rows in one INSERT; docs/explanation/performance.md shows the effect."""

    linger_ms: float = Field(5, ge=0, le=100)
    """Longest wait for company while a batch is in flight; 0 is none."""

    queue_rows: int = Field(2000, ge=1, le=100_000)
    """Most events that wait for the database in memory; more wait in the cluster."""


class OperatorSettings(BaseSettings):
    """How the operator watches searches."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_OPERATOR_", **COMMON)

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
    cert-manager does. It needs the rights of manifests/base/certificates/by-operator.yaml."""

    certificate_days: int = Field(365, ge=1, le=3650)
    """How long such a certificate and its authority last; both are renewed after two thirds."""

    search_removals_per_second: int = Field(20, ge=1, le=1000)
    """Most searches a second that are removed from the cluster because they are older than their
    policy's searchTTL."""

    exit_timeout_seconds: float = Field(10, ge=0, le=300)
    """How long searches in flight may take after SIGTERM; the rest is left for the next start."""


class RetentionSettings(BaseSettings):
    """How old events are removed."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_RETENTION_", **COMMON)

    database_url: SecretStr = SecretStr("")
    """libpq URL of the role workflow_audit_retention, to the same database. Left out, retention
    does not run, and nothing is ever removed. Never printed."""

    database_url_file: Path | None = None
    """File with the URL, read at every connection; wins over the URL itself."""

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
        return checked_schedule(schedule)

    @property
    def enabled(self) -> bool:
        """Whether it runs."""
        return bool(self.database_url.get_secret_value() or self.database_url_file)


class VerifySettings(BaseSettings):
    """How the operator compares searches with their audit events."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_VERIFY_", **COMMON)

    schedule: str = "41 */6 * * *"
    """When they are compared: a cron expression in UTC; empty is never. By default every search is
    looked at several times before the searchTTL of 24h takes it away. A start compares after a
    minute, whatever the time."""

    pause_ms: float = Field(100, ge=0, le=60_000)
    """Pause after each 500 searches, for those who record."""

    @field_validator("schedule")
    @classmethod
    def _names_a_time(cls, schedule: str) -> str:
        return checked_schedule(schedule) if schedule else schedule


def checked_schedule(schedule: str) -> str:
    """Give a cron expression that names a time.

    Raises:
        ValueError: it does not.
    """
    try:
        next(CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"no cron expression: {str(error).lower()}") from error
    except StopIteration as error:
        raise ValueError("a cron expression that names no time at all") from error
    return schedule
