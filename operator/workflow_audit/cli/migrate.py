"""`workflow-audit migrate`."""

from pathlib import Path
from typing import Annotated

import typer
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from workflow_audit.errors import DatabaseUnavailableError, InvalidFieldError
from workflow_audit.settings.loading import load_settings
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.roles import allow_logins
from workflow_audit.wiring import database_address

EPILOG = """
Examples:

  AUDIT_DATABASE_URL=postgresql://postgres@db/audit workflow-audit migrate

  workflow-audit migrate --wait 300 --passwords-from /etc/logins

Needs a login that may become workflow_audit_owner, or may create it. Safe to run again and by
several at once.

Exit codes: 0 the schema is up to date, 1 it could not be brought there (stderr says why).
"""

PAUSE_SECONDS = 2

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    wait: Annotated[
        int, typer.Option(min=0, max=3600, help="Seconds to wait for a database that is down.")
    ] = 0,
    passwords_from: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a file for each role that is to log in by its own name, such as "
            "workflow_audit_writer, with its password. For trials."
        ),
    ] = None,
) -> None:
    """Bring the database's schema up to date."""
    address = database_address(load_settings())
    passwords = _passwords(passwords_from) if passwords_from else {}
    changed = _migrated(address, wait)
    typer.echo("schema brought up to date" if changed else "schema is up to date already")
    if passwords:
        allow_logins(address, passwords)
    for role in sorted(passwords):
        typer.echo(f"{role} may log in")


def _migrated(address: DatabaseAddress, seconds: int) -> bool:
    attempts = Retrying(
        retry=retry_if_exception_type(DatabaseUnavailableError),
        wait=wait_fixed(PAUSE_SECONDS),
        stop=stop_after_delay(seconds),
        before_sleep=_say_what_is_missing,
        reraise=True,
    )
    return attempts(schema.migrate, address)


def _say_what_is_missing(attempt: RetryCallState) -> None:
    if attempt.outcome is not None:
        typer.echo(f"waiting: {attempt.outcome.exception()}", err=True)


def _passwords(folder: Path) -> dict[str, str]:
    try:
        # Not the hidden ones: a mounted Secret keeps its own links there.
        files = [file for file in folder.iterdir() if not file.name.startswith(".")]
        return {file.name: file.read_text(encoding="utf-8").rstrip("\r\n") for file in files}
    except (OSError, ValueError) as error:
        raise InvalidFieldError(
            "--passwords-from",
            str(folder),
            f"cannot be read: {error}",
            "name a folder with a text file for each role",
        ) from error
