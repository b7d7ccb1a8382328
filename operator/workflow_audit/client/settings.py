"""Settings of the library, from the environment. A bad one never takes the agent down.

It is said in the log, by variable, value and remedy, and the default counts instead. Only where no
default would be right, because searches would go to somebody else, the audit is switched off.
"""

import logging
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workflow_audit.errors import InvalidFieldError

_log = logging.getLogger(__name__)

MIB = 1024 * 1024
EVENTS_PATH = "/api/v1/audit/events"
NAMESPACE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
POD_TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
HIDDEN = "(hidden)"


def _default_spool_path() -> Path:
    """Give a folder for this user's programs; the temporary one where there is no home."""
    home = Path(_with_home("~"))
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    if state.is_absolute():
        return state / "workflow-audit"
    if home.is_absolute():
        return home / ".local" / "state" / "workflow-audit"
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - nobody else may own the folder
    return Path(temporary, f"workflow-audit-{os.geteuid()}")


def _server(url: str) -> str:
    """Give the address without the path of the events, which is the same everywhere."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it is no https:// address")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("it has a user, a query or a fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("it is not encrypted; http:// is for this machine only")
    return url.rstrip("/").removesuffix(EVENTS_PATH).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _with_home(value: Any) -> Any:
    return os.path.expanduser(value) if isinstance(value, str) else value  # noqa: PTH111


_File = Annotated[Path, BeforeValidator(_with_home)]


class ClientSettings(BaseModel):
    """How searches reach the audit."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    enabled: bool = True
    """false switches the audit off: calls do nothing."""

    url: Annotated[str, AfterValidator(_server)] | None = None
    """Server of the audit, such as `https://workflow-audit-apiserver.workflow-audit.svc`. Left out,
    WorkflowSearch resources are created in the cluster."""

    timeout_seconds: float = Field(5, gt=0, le=60)
    """How long one attempt at sending may take; nobody waits for it."""

    namespace: str | None = Field(None, pattern=NAMESPACE)
    """Namespace of the searches. Left out, it is the pod's own, or that of the kubeconfig's
    context."""

    service: str = Field("holmesgpt-api", min_length=1, max_length=255)
    """Program that searches, as events name it."""

    token_file: _File | None = None
    """File with the bearer token for the server, read at every attempt. Left out, it is that of the
    pod's service account."""

    ca_file: _File | None = None
    """File with the authorities that may vouch for the server's certificate. Left out, they are the
    system's."""

    kubeconfig: _File | None = None
    """Credentials for creating resources. Left out, they are the pod's service account, or those
    of KUBECONFIG or of ~/.kube/config."""

    spool_path: _File = Field(default_factory=_default_spool_path)
    """Folder, of this user alone, for what could not be sent yet. It is made where it does not
    exist."""

    spool_bytes: int = Field(64 * MIB, ge=MIB, le=2**40)
    """Largest file in it. When it is full, older searches are kept and new ones dropped."""

    spool_events: int = Field(100_000, ge=1, le=10_000_000)
    """Most searches in it."""

    queue_events: int = Field(1000, ge=1, le=1_000_000)
    """Most searches in memory, on their way into it."""


VARIABLES: Mapping[str, tuple[str, ...]] = {
    "enabled": ("audit_enabled",),
    "url": ("data_storage_audit_url",),
    "timeout_seconds": ("audit_timeout_seconds",),
    **{
        name: (f"AUDIT_{name.upper()}",)
        for name in ClientSettings.model_fields
        if name not in {"enabled", "url", "timeout_seconds"}
    },
}
"""Where each setting is read; capitals do not matter."""


def settings_from_env(environment: Mapping[str, str]) -> ClientSettings:
    """Give the settings in force; never raises, whatever the environment holds."""
    given: dict[str, Any] = {}
    for field, (variable,) in VARIABLES.items():
        value = environment.get(variable.upper()) or environment.get(variable.lower())
        if value:
            given[field] = value.strip()
    try:
        return ClientSettings(**given)
    except ValidationError as error:
        return _mended(given, error)


def _mended(given: dict[str, Any], error: ValidationError) -> ClientSettings:
    for finding in error.errors(include_url=False):
        field = str(finding["loc"][0])
        _log.error("%s", refused_setting(field, given.pop(field, None), finding["msg"]))
        if field == "url":
            given["enabled"] = "false"
    return ClientSettings(**given)


def refused_setting(field: str, value: Any, said: str) -> InvalidFieldError:
    """Say what is wrong with a setting, by its variable."""
    (variable,) = VARIABLES[field]
    said = said.removeprefix("Value error, ")
    if field == "url":
        remedy = "the audit is OFF; give https://HOST, or leave it out for WorkflowSearch resources"
        shown = HIDDEN if "@" in str(value) else value
    else:
        remedy = f"the default counts, {ClientSettings.model_fields[field].get_default()!r}"
        shown = value
    return InvalidFieldError(
        variable.upper(), shown, f"is refused: {said[0].lower()}{said[1:]}", remedy
    )
