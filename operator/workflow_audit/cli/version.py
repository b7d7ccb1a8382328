"""`workflow-audit version`."""

import typer

from workflow_audit import __version__

EPILOG = """
Example:

  workflow-audit version

Exit codes: 0 always.
"""

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run() -> None:
    """Print the version."""
    typer.echo(__version__)
