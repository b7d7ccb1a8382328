"""`workflow-audit config`."""

import dataclasses
import json
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from pydantic_settings import BaseSettings
from rich.console import Console
from rich.table import Table

from workflow_audit.settings.loading import Settings, bounds, load_settings, variable_name

EPILOG = """
Examples:

  workflow-audit config

  workflow-audit config --output json

Exit codes: 0 done, 1 a value is refused (stderr names it and the remedy).
"""

MASK = "********"


class Output(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    output: Annotated[Output, typer.Option(help="table for people, json for machines.")] = (
        Output.TABLE
    ),
) -> None:
    """Print the settings in force; secrets are masked."""
    rows = [row for group in groups(load_settings()) for row in setting_rows(group)]
    if output is Output.JSON:
        typer.echo(json.dumps({row["variable"]: row["value"] for row in rows}, indent=2))
        return
    table = Table(box=None)
    for heading in ("Variable", "Value", "Default", "Allowed", "Meaning"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (row["variable"], row["value"], row["default"], row["allowed"], row["meaning"])
        table.add_row(*(str(cell if cell is not None else "") for cell in cells))
    Console().print(table)


def groups(settings: Settings) -> list[BaseSettings]:
    """Give the groups in their order."""
    return [getattr(settings, field.name) for field in dataclasses.fields(settings)]


def setting_rows(group: BaseSettings) -> list[dict[str, Any]]:
    """Give one row for each setting of a group, with secrets masked."""
    return [
        {
            "variable": variable_name(type(group), name),
            "value": _shown(getattr(group, name)),
            "default": _shown(field.default),
            "allowed": " to ".join(str(bound) for bound in bounds(field) if bound is not None),
            "meaning": " ".join((field.description or "").split()),
        }
        for name, field in type(group).model_fields.items()
    ]


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    return value if isinstance(value, bool | int | float | str | None) else str(value)
