"""The pages about the command line, from the commands themselves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import typer

from workflow_audit.cli.app import app

PROGRAM = "workflow-audit"
EXIT_CODES = re.compile(r"Exit codes:\s*(.+?)(?:\n\n|\Z)", re.DOTALL)
CODE = re.compile(r"(?:^|,\s+)(\d+(?: and \d+)?) (.*?)(?=,\s+\d+ |\Z)", re.DOTALL)
LISTED_CODE = re.compile(r"^\s*(\d+)  (.*)$", re.MULTILINE)
"""`0 done, 1 an error` in a line, or one code a line, as each command's help has it."""


@dataclass(frozen=True)
class Described:
    """A command that does something, and what its help says."""

    name: str
    command: Any

    @property
    def text(self) -> str:
        """Its help, with what stands below the options."""
        parts = (self.command.help or "", self.command.epilog or "")
        return "\n\n".join(part.replace("\b\n", "").strip() for part in parts if part)

    @property
    def exit_codes(self) -> dict[str, str]:
        """What each of its exit codes means; nothing where it says nothing about them."""
        said = EXIT_CODES.search(self.text)
        if not said:
            return {}
        listed = LISTED_CODE.findall(said[1]) or CODE.findall(said[1])
        return {code: " ".join(meaning.split()).rstrip(".") for code, meaning in listed}


def commands() -> list[Described]:
    """Give all commands, in the order of the help."""
    root: Any = typer.main.get_command(app)
    context = root.make_context(PROGRAM, ["version"], resilient_parsing=True)
    return list(_below(root, context, PROGRAM))


def _below(command: Any, context: Any, name: str) -> Iterator[Described]:
    if not hasattr(command, "list_commands"):
        yield Described(name, command)
        return
    for own in command.list_commands(context):
        yield from _below(command.get_command(context, own), context, f"{name} {own}")


def command_lines() -> Iterator[str]:
    """Give the page about commands and options."""
    for described in commands():
        yield from ("", f"## {described.name}", "")
        yield from list(_prose(EXIT_CODES.sub("", described.text)))[:-1]
        parameters = [each for each in described.command.params if not each.hidden]
        if parameters:
            yield from ("", "| Option | Value | Default | Meaning |", "|---|---|---|---|")
            yield from map(_row, parameters)


def exit_code_lines() -> Iterator[str]:
    """Give the table of exit codes."""
    yield from ("| Command | Code | Meaning |", "|---|---|---|")
    for described in commands():
        for code, meaning in described.exit_codes.items():
            yield f"| `{described.name}` | {code} | {_cell(meaning)} |"


def _prose(text: str) -> Iterator[str]:
    """Give help as Markdown: what follows `Example:`, up to a sentence, is code."""
    examples = False
    for paragraph in re.split(r"\n\n+", text.strip()):
        heading, _, rest = paragraph.partition("\n")
        examples = examples or heading in {"Example:", "Examples:"}
        if heading in {"Example:", "Examples:"}:
            yield from (heading, "")
        shown = rest if heading in {"Example:", "Examples:"} else paragraph
        if examples and shown and not shown[0].isupper():
            yield from (*(f"    {line.strip()}" for line in shown.splitlines()), "")
        elif shown:
            yield from (" ".join(shown.split()), "")


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    required = ", required" if parameter.required else ""
    kind = "" if getattr(parameter, "is_flag", False) else _values(parameter)
    default = parameter.default
    shown = "" if default in (None, "", False) or callable(default) else f"`{default}`"
    help_text = getattr(parameter, "help", None) or ""
    return f"| {names} | {_cell(kind)}{required} | {shown} | {_cell(help_text)} |"


def _values(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(member.value) for member in annotation)
    return str(parameter.bare_type())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
