"""Groups of options are what typer makes of the same options written one by one."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from workflow_audit.cli.options import grouped

LimitOption = Annotated[int, typer.Option("--limit", "-l", min=1)]


@dataclass(frozen=True)
class Place:
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None
    everywhere: Annotated[bool, typer.Option("--all", "-A")] = False

    def __post_init__(self) -> None:
        if self.namespace and self.everywhere:
            raise typer.BadParameter("give one", param_hint="-A")


@dataclass(frozen=True)
class Needed:
    user: Annotated[str, typer.Option("--user")]


app = typer.Typer(add_completion=False)


@app.command()
@grouped
def read(
    name: Annotated[str, typer.Argument()],
    *,
    needed: Needed,
    limit: LimitOption = 5,
    place: Place,
) -> None:
    """Read something."""
    print(name, needed, limit, place)


flat = typer.Typer(add_completion=False)


@flat.command("read")
def _read(
    name: Annotated[str, typer.Argument()],
    *,
    user: Annotated[str, typer.Option("--user")],
    limit: LimitOption = 5,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n")] = None,
    everywhere: Annotated[bool, typer.Option("--all", "-A")] = False,
) -> None:
    """Read something."""
    print(name, Needed(user), limit, Place(namespace, everywhere))


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        pytest.param("x --user u", 0, id="defaults"),
        pytest.param("-A --limit 7 x --user u", 0, id="in-any-order"),
        pytest.param("x --user u -n payments", 0, id="of-the-last-group"),
        pytest.param("x", 2, id="one-that-is-needed"),
        pytest.param("--user u", 2, id="an-argument-that-is-needed"),
        pytest.param("x --user u -l 0", 2, id="out-of-range"),
        pytest.param("x --user u -n payments -A", 2, id="refused-by-the-group"),
        pytest.param("x --user u --place y", 2, id="a-group-is-no-option"),
        pytest.param("--help", 0, id="help"),
    ],
)
def test_a_group_is_its_options(arguments: str, exit_code: int) -> None:
    one, other = (CliRunner().invoke(each, arguments.split()) for each in (app, flat))
    assert (one.exit_code, one.stdout, one.stderr) == (exit_code, other.stdout, other.stderr)
    assert other.exit_code == exit_code
