"""`workflow-audit demo`: everything on this machine, with real searches."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.demo_catalogue import running_catalogue
from workflow_audit.cli.demo_executed import EXAMPLE, show_executed
from workflow_audit.cli.demo_operator import running_operator
from workflow_audit.cli.demo_policies import apply_policies, show_policies
from workflow_audit.cli.demo_reading import reading_lines, show_reading
from workflow_audit.cli.demo_searches import bundled_searches, submit, wait_until_final
from workflow_audit.cli.demo_verified import verified_demo
from workflow_audit.cli.explanation import explanation_view
from workflow_audit.cli.local_apiserver import running_apiserver
from workflow_audit.cli.prepare import kubectl, prepare
from workflow_audit.cli.verify_report import Output, print_report
from workflow_audit.domain.explaining import search_explanation
from workflow_audit.errors import AuditError
from workflow_audit.local.environment import LocalEnvironment, shell_exports

EPILOG = """
Examples:

  workflow-audit demo

  workflow-audit demo --exit

Exit codes: 0 every search became exactly one row, 1 one did not, or something did not start
(stderr says why), 130 interrupted by Ctrl-C before the summary.
"""

TABLE_LINES = 16
"""Lines of the kubectl table that are shown; all 615 would push the rest off the screen."""

console = Console()


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    *,
    leave: Annotated[
        bool, typer.Option("--exit", help="Stop after the summary instead of staying up.")
    ] = False,
) -> None:
    """Start everything, submit the bundled searches, and show what one sees.

    One more search comes without an answer: the operator gets it from the example catalogue.

    No container engine is needed. The first run gets or builds the Kubernetes programs, which
    takes up to ten minutes; later ones are ready in seconds.
    """
    started = time.monotonic()
    with (
        LocalEnvironment.temporary(hooks=[prepare]) as environment,
        running_catalogue(environment) as catalogue,
    ):
        say_time("control plane, database and catalogue are ready", started)
        apply_policies(environment, catalogue)
        with running_operator(environment), running_apiserver(environment):
            say_time("operator and API of the audit events are ready", started)
            searches = bundled_searches(bundled("examples/searches.jsonl"))
            began = time.monotonic()
            submit(environment, searches)
            found = wait_until_final(environment, len(searches))
            seconds = time.monotonic() - began
            show(environment, found, seconds)
            show_executed(environment, console)
            report = verified_demo(environment)
            console.rule("is everything there? (workflow-audit verify)")
            print_report(report, Output.TABLE, repaired=False)
            show_policies(environment, console)
            telling = most_telling(found)
            where = telling["spec"]["correlationId"], telling["metadata"]["namespace"]
            show_reading(environment, console, *where)
            if not report.all_there:
                raise AuditError("not every search has exactly one row, see above")
            if not leave:
                stay(environment, reading_lines(*where))


def show(environment: LocalEnvironment, searches: list[dict[str, Any]], seconds: float) -> None:
    """Show the table, one explained search, and the counts."""
    console.rule("kubectl get workflowsearches -A")
    lines = kubectl(environment, "get", "workflowsearches", "-A").splitlines()
    console.print("\n".join(lines[:TABLE_LINES]), markup=False, highlight=False, soft_wrap=True)
    console.print(f"... and {len(lines) - TABLE_LINES} more\n", style="dim")
    telling = most_telling(searches)
    name = f"{telling['metadata']['namespace']}/{telling['metadata']['name']}"
    console.rule(f"why did this workflow win? ({name})")
    console.print(explanation_view(search_explanation(telling)))
    console.print()
    console.rule("summary")
    console.print(counts(searches, seconds))


def most_telling(searches: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the search whose explanation shows most: boosts and penalties among several."""

    def parts(search: dict[str, Any]) -> tuple[int, str]:
        workflows = search["status"].get("summary", {}).get("workflows", [])
        labels = sum(
            len(w["scoring"]["boostBreakdown"]) + 2 * len(w["scoring"]["penaltyBreakdown"])
            for w in workflows
        )
        return labels, search["spec"]["correlationId"]

    return max(searches, key=parts)


def counts(searches: list[dict[str, Any]], seconds: float) -> Table:
    """Give the counts by phase and outcome, and the time."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for phase, number in sorted(Counter(s["status"]["phase"] for s in searches).items()):
        table.add_row(f"phase {phase}", str(number))
    for outcome, number in sorted(Counter(s["status"]["outcome"] for s in searches).items()):
        table.add_row(f"outcome {outcome}", str(number))
    low = sum(bool(s["status"].get("summary", {}).get("lowConfidence")) for s in searches)
    table.add_row("low confidence", str(low))
    table.add_row("from first submission to last status", f"{seconds:.1f} s")
    return table


def stay(environment: LocalEnvironment, reading: Iterable[str]) -> None:
    """Print what to copy, and wait for Ctrl-C."""
    console.rule("it stays up until Ctrl-C; in another terminal:")
    query = "SELECT top_workflow_id, count(*) FROM audit_events GROUP BY 1 ORDER BY 2 DESC LIMIT 5"
    for line in (
        shell_exports(environment.shell_variables),
        "kubectl get workflowsearches -A",
        *reading,
        "kubectl describe auditpolicy payments",
        f"kubectl create -f {bundled('examples/search.yaml')}",
        f"kubectl create -f {bundled(EXAMPLE)}",
        f'psql "$AUDIT_DATABASE_URL" -c "{query}"',
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nstopping", style="dim")


def say_time(what: str, started: float) -> None:
    """Say what is reached, and how long it took."""
    console.print(f"{what} after {time.monotonic() - started:.1f} s", style="dim")
