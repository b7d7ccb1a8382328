"""The page about HTTP paths, from the OpenAPI that the server publishes."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from fastapi import Request

from workflow_audit.api.app import application
from workflow_audit.api.rest_openapi import document
from workflow_audit.api.services import ReadServices
from workflow_audit.models.user import User


def path_lines() -> Iterator[str]:
    """Give a section for each path and method."""
    for path, methods in _document()["paths"].items():
        for method, operation in methods.items():
            yield from ("", f"## {method.upper()} {path}", "")
            yield (operation.get("description") or operation["summary"]).strip()
            yield from _parameters(operation.get("parameters", []))
            yield from ("", "| Answer | Meaning |", "|---|---|")
            for code, answer in operation["responses"].items():
                yield f"| {code} | {_cell(answer['description'])} |"


def _document() -> dict[str, Any]:
    """Give what /openapi.json serves; nothing is asked for while routes are made."""
    parts = ("reading", "watching", "statistics", "exporting", "clock", "ingestion")
    nothing = SimpleNamespace(**dict.fromkeys(parts), authenticate=_nobody)
    return document(application(cast("ReadServices", nothing)))


async def _nobody(request: Request) -> User:
    raise NotImplementedError(request.url)


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if parameters:
        yield from ("", "| Parameter | In | Meaning |", "|---|---|---|")
    for parameter in parameters:
        required = ", required" if parameter.get("required") else ""
        meaning = _cell(parameter.get("description", ""))
        yield f"| `{parameter['name']}` | {parameter['in']}{required} | {meaning} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
