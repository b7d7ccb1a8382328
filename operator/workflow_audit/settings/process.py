"""Settings of each of our processes, whatever it does, and what all groups have in common.

The docstring below a field is its description in `workflow-audit config` and in the
configuration reference.
"""

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

COMMON = SettingsConfigDict(
    extra="ignore", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
)


class HttpSettings(BaseSettings):
    """Where /metrics, /healthz and /readyz are."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_HTTP_", **COMMON)

    host: str = "0.0.0.0"  # noqa: S104 - kubelet and Prometheus come from outside the pod
    """Address to listen on."""

    port: int = Field(8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one and logs it."""


class LogSettings(BaseSettings):
    """How the operator logs."""

    model_config = SettingsConfigDict(env_prefix="AUDIT_LOG_", **COMMON)

    format: Literal["json", "console"] = "json"
    """json for machines, console for people."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged. Frameworks never log below INFO: their debug lines hold whole
    objects, texts included."""
