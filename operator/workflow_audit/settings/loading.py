"""All settings: loaded, and a wrong one is refused by variable, value and remedy.

Flags of the command line win over the environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, cast

from annotated_types import Ge, Le
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from workflow_audit.errors import InvalidFieldError
from workflow_audit.settings.operating import (
    DatabaseSettings,
    OperatorSettings,
    RetentionSettings,
    VerifySettings,
    WriterSettings,
)
from workflow_audit.settings.process import HttpSettings, LogSettings
from workflow_audit.settings.serving import ApiServerSettings, IngestionSettings


@dataclass(frozen=True)
class Settings:
    """All groups."""

    database: DatabaseSettings
    writer: WriterSettings
    operator: OperatorSettings
    retention: RetentionSettings
    verify: VerifySettings
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
