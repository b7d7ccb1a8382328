"""`workflow-audit verify`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from workflow_audit.cli import DIFFERENT
from workflow_audit.cli.progressing import shown_progress
from workflow_audit.cli.reading import checked, present
from workflow_audit.cli.refusals import FORBIDDEN
from workflow_audit.cli.verify_report import Output, print_report
from workflow_audit.domain.instants import instant
from workflow_audit.errors import AuditError, ClusterError, VerificationError
from workflow_audit.models.verification import Counts
from workflow_audit.settings.loading import load_settings

EPILOG = """
Examples:

  workflow-audit verify

  workflow-audit verify --since 7d --output json

  workflow-audit verify --repair

The cluster is that of the kubeconfig, or else of the pod's service account; the database is that of
AUDIT_DATABASE_URL. A login of workflow_audit_reader compares all; one of workflow_audit_writer
compares names and times, and can repair. docs/how-to/verify.md says what is compared.

Exit codes: 0 everything is there, 4 something is missing, different or extra and was not repaired,
1 it cannot be told (stderr says why).
"""

NAMES = 20

app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    *,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only this one; else all.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only searches of whole days since, as 24h, 7d, a date or a time."),
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Record again what is missing.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help=f"All names; else {NAMES} of each kind.")
    ] = False,
    output: Annotated[Output, typer.Option("--output", "-o")] = Output.TABLE,
    context: Annotated[
        str | None, typer.Option(help="Of the kubeconfig; else its current one.")
    ] = None,
    kubeconfig: Annotated[
        Path | None, typer.Option(help="Instead of $KUBECONFIG and ~/.kube/config.")
    ] = None,
) -> None:
    """Compare the searches of the cluster with their audit events: is everything there?"""
    began = _first_instant(since) if since else None
    settings = load_settings()
    # Only now, because help texts and mistyped options can do without.
    from workflow_audit.kube.kubeconfig import credentials  # noqa: PLC0415
    from workflow_audit.wiring import database_address  # noqa: PLC0415
    from workflow_audit.wiring.verifying import Wanted, verified  # noqa: PLC0415

    who = credentials(kubeconfig, context)
    with _progress() as progress:
        wanted = Wanted(
            namespace=namespace,
            since=began,
            repair=repair,
            shown=None if everything else NAMES,
            progress=progress,
        )
        address = database_address(settings)
        comparing = verified(wanted, address, settings.retention, who.kubeconfig, who.context)
        try:
            report = asyncio.run(comparing)
        except ClusterError as error:
            raise _explained(error) from error
    print_report(report, output, repaired=repair)
    if not report.all_there:
        raise typer.Exit(DIFFERENT)


def _first_instant(since: str) -> datetime:
    """Give the beginning of a day in UTC: rows are looked for by their day."""
    moment = checked(instant, "--since", since, present())
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _explained(error: ClusterError) -> AuditError:
    if error.status != FORBIDDEN:
        return error
    return VerificationError(
        f"{error}; docs/how-to/verify.md lists the rights that are needed, and the operator's"
        " service account has them"
    )


@contextmanager
def _progress() -> Iterator[Callable[[Counts], None]]:
    """Tell on a terminal how far it is."""
    with shown_progress("comparing") as reporter:

        def tell(counts: Counts) -> None:
            if reporter:
                rows = f", {counts.rows} rows" if counts.rows is not None else ""
                reporter.update(f"{counts.searches} searches{rows}")

        yield tell
