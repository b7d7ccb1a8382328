"""`workflow-audit migrate`."""

import typer

from workflow_audit.settings.loading import load_settings
from workflow_audit.store import schema
from workflow_audit.wiring import database_address

EPILOG = """
Example:

  AUDIT_DATABASE_URL=postgresql://postgres@db/audit workflow-audit migrate

Needs a login that may become workflow_audit_owner, or may create it. Safe to run again and by
several at once.

Exit codes: 0 the schema is up to date, 1 it could not be brought there (stderr says why).
"""


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run() -> None:
    """Bring the database's schema up to date."""
    changed = schema.migrate(database_address(load_settings()))
    typer.echo("schema brought up to date" if changed else "schema is up to date already")
