"""`workflow-audit local`: a real control plane and database on this machine, in the background."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from workflow_audit.local import background
from workflow_audit.local.environment import Hook, LocalEnvironment, shell_exports

NOT_RUNNING = 3
"""Exit code of `status`, as of `systemctl status`."""

app = typer.Typer(
    name="local",
    help=(
        "A real Kubernetes API server and PostgreSQL on this machine, without containers.\n\n"
        "They run in the background until `local down`; their data stays until "
        "`local down --purge`."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="How to print the result.")]


@app.command()
def up(
    *,
    audit: Annotated[
        bool,
        typer.Option("--audit", help="Start the operator and the API of the audit events too."),
    ] = False,
) -> None:
    """Start it and return when it is ready; what runs already goes on running.

    Without --audit you run the operator yourself: `workflow-audit operator`. What was started
    once is started again by each later `local up`, until `local down --purge`.

    The very first time the Kubernetes programs are downloaded, or built with Go (about 8 minutes
    on 2 cores). Later starts take 5 seconds.

    \b
    Example:
      workflow-audit local up --audit
      eval "$(workflow-audit local env)"
      kubectl get workflowsearches -A

    \b
    Exit codes:
      0  ready
      1  something did not start; the message says what, and the end of its log
    """  # noqa: D301 - click reads the backspace: keep these lines as they are
    hooks = _hooks()
    if audit or background.has_more():
        hooks.append(_start_audit)
    environment = background.up(hooks=hooks)
    typer.echo(f"ready in {environment.folder}")
    typer.echo('next: eval "$(workflow-audit local env)"')


@app.command()
def env() -> None:
    """Print what a shell needs: KUBECONFIG, the operator's database URLs, PGPASSFILE, PATH.

    The URLs hold the passwords of the roles workflow_audit_writer and workflow_audit_retention.

    \b
    Example:
      eval "$(workflow-audit local env)"
      workflow-audit operator

    \b
    Exit codes:
      0  printed
      1  it does not run
    """  # noqa: D301 - click reads the backspace: keep these lines as they are
    typer.echo(shell_exports(background.variables()))


@app.command()
def status(output: OutputOption = Output.TABLE) -> None:
    """Show what runs, and where.

    \b
    Example:
      workflow-audit local status
      workflow-audit local status --output json

    \b
    Exit codes:
      0  all components run
      3  one or more do not
    """  # noqa: D301 - click reads the backspace: keep these lines as they are
    found = background.status()
    if output is Output.JSON:
        typer.echo(json.dumps([asdict(item) for item in found], indent=2))
    else:
        Console().print(_table(found))
    if not all(item.running for item in found):
        raise typer.Exit(NOT_RUNNING)


@app.command()
def down(
    *,
    purge: Annotated[bool, typer.Option("--purge", help="Remove all its data too.")] = False,
) -> None:
    """Stop it; the data stays for the next `local up`.

    \b
    Example:
      workflow-audit local down
      workflow-audit local down --purge

    \b
    Exit codes:
      0  nothing runs any more
      1  something could not be stopped
    """  # noqa: D301 - click reads the backspace: keep these lines as they are
    stopped = background.down(purge=purge)
    typer.echo(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
    if purge:
        typer.echo("its data is removed")


def _table(found: Sequence[background.ComponentStatus]) -> Table:
    table = Table("COMPONENT", "STATE", "PID", "ADDRESS", box=None, pad_edge=False)
    for item in found:
        state = "running" if item.running else "stopped"
        table.add_row(item.component, state, str(item.pid or "-"), item.address or "-")
    return table


def _start_audit(environment: LocalEnvironment) -> None:
    from workflow_audit.cli.demo_operator import start_operator  # noqa: PLC0415 - as in _hooks
    from workflow_audit.cli.local_apiserver import start_apiserver  # noqa: PLC0415

    start_operator(environment)
    start_apiserver(environment)


def _hooks() -> list[Hook]:
    def prepare_environment(environment: LocalEnvironment) -> None:
        # Only now: it loads the Kubernetes and PostgreSQL clients, which the other commands
        # do without.
        from workflow_audit.cli.prepare import prepare  # noqa: PLC0415

        prepare(environment)

    return [prepare_environment]
