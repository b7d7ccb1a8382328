"""`workflow-audit stats`: what the recorded searches say about the catalogue."""

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic.alias_generators import to_camel

from workflow_audit.cli.event_formats import csv_text, json_text, yaml_text
from workflow_audit.cli.reading import (
    AllNamespacesOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Place,
    Reader,
    checked,
    present,
    read,
)
from workflow_audit.cli.selecting import WHICH
from workflow_audit.cli.text import show
from workflow_audit.domain.instants import instant, rfc3339
from workflow_audit.models.statistics import (
    MOST_ROWS,
    ROWS,
    USUAL_ROWS,
    USUAL_THRESHOLD,
    Bucket,
    Statistic,
)

Json = dict[str, Any]

HOW = "How they are counted"

EPILOG = """
Examples:

  workflow-audit stats {name} -n payments --since 7d

  workflow-audit stats {name} -A {more}

Without --since: the last 30 days. docs/analytics.md says what the numbers mean.

Exit codes: 0 done, 1 an error that stderr explains, 2 a wrong command line.
"""


class Format(StrEnum):
    """How a statistic is printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    CSV = "csv"


SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="Searches from this moment on: 24h, 7d, 2026-11-24 or 2026-11-24T10:30:00Z.",
        rich_help_panel=WHICH,
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", help="Searches before this moment, written likewise.", rich_help_panel=WHICH
    ),
]
WorkflowOption = Annotated[
    str | None, typer.Option("--workflow", help="Only rows about it.", rich_help_panel=WHICH)
]
ThresholdOption = Annotated[
    float,
    typer.Option(
        "--threshold", min=0, max=1, help="Confidences below it are low.", rich_help_panel=WHICH
    ),
]
BucketOption = Annotated[
    Bucket,
    typer.Option("--bucket", help="Divide time, in UTC; weeks from Monday.", rich_help_panel=HOW),
]
ByNamespaceOption = Annotated[
    bool,
    typer.Option("--by-namespace", help="Count each namespace by itself.", rich_help_panel=HOW),
]
TotalsOption = Annotated[
    bool,
    typer.Option(
        "--totals", help="Count all searches too, which takes longer.", rich_help_panel=HOW
    ),
]
LimitOption = Annotated[
    int, typer.Option("--limit", min=1, max=MOST_ROWS, help="Rows at the most.")
]
OutputOption = Annotated[
    Format, typer.Option("--output", "-o", help="table is for people; csv has the rows only.")
]

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    no_args_is_help=True,
    help="Statistics of searches, as far as the cluster's RBAC lets you.",
)


def _epilog(statistic: Statistic, more: str) -> str:
    return EPILOG.format(name=statistic.value, more=more)


@app.command(epilog=_epilog(Statistic.SELECTION_RATE, "--bucket week --workflow pod-oom-gitops"))
def selection_rate(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    bucket: BucketOption = Bucket.NONE,
    by_namespace: ByNamespaceOption = False,
    limit: LimitOption = USUAL_ROWS,
    output: OutputOption = Format.TABLE,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell how often each version of a workflow is listed, and how often it wins."""
    place = Place(kubeconfig, context, namespace, all_namespaces)
    given = {
        "workflowId": workflow,
        "bucket": bucket.value,
        "byNamespace": by_namespace,
        "limit": limit,
    }
    _print(Statistic.SELECTION_RATE, place, output, given | _times(since, until))


@app.command(epilog=_epilog(Statistic.LOW_CONFIDENCE, "--threshold 0.4 -o csv"))
def low_confidence(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    threshold: ThresholdOption = USUAL_THRESHOLD,
    totals: TotalsOption = False,
    limit: LimitOption = USUAL_ROWS,
    output: OutputOption = Format.TABLE,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """List searches whose winner has a low confidence, the newest first."""
    place = Place(kubeconfig, context, namespace, all_namespaces)
    given = {"workflowId": workflow, "threshold": threshold, "totals": totals, "limit": limit}
    _print(Statistic.LOW_CONFIDENCE, place, output, given | _times(since, until))


@app.command(epilog=_epilog(Statistic.PATTERNS, "--by-namespace --limit 10"))
def patterns(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    bucket: BucketOption = Bucket.NONE,
    by_namespace: ByNamespaceOption = False,
    limit: LimitOption = USUAL_ROWS,
    output: OutputOption = Format.TABLE,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell which filters and which texts are frequent, and what came of them."""
    place = Place(kubeconfig, context, namespace, all_namespaces)
    given = {"bucket": bucket.value, "byNamespace": by_namespace, "limit": limit}
    _print(Statistic.PATTERNS, place, output, given | _times(since, until))


@app.command(epilog=_epilog(Statistic.MOST_SELECTED, "--bucket day -o csv"))
def most_selected(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    bucket: BucketOption = Bucket.NONE,
    by_namespace: ByNamespaceOption = False,
    limit: LimitOption = USUAL_ROWS,
    output: OutputOption = Format.TABLE,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell which workflows win most searches, and with what confidence."""
    place = Place(kubeconfig, context, namespace, all_namespaces)
    given = {
        "workflowId": workflow,
        "bucket": bucket.value,
        "byNamespace": by_namespace,
        "limit": limit,
    }
    _print(Statistic.MOST_SELECTED, place, output, given | _times(since, until))


@app.command(epilog=_epilog(Statistic.UNATTRIBUTED, "--workflow pod-oom-gitops -o json"))
def unattributed(
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    workflow: WorkflowOption = None,
    bucket: BucketOption = Bucket.NONE,
    by_namespace: ByNamespaceOption = False,
    limit: LimitOption = USUAL_ROWS,
    output: OutputOption = Format.TABLE,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell for which workflows breakdowns leave a boost or a penalty unexplained."""
    place = Place(kubeconfig, context, namespace, all_namespaces)
    given = {
        "workflowId": workflow,
        "bucket": bucket.value,
        "byNamespace": by_namespace,
        "limit": limit,
    }
    _print(Statistic.UNATTRIBUTED, place, output, given | _times(since, until))


def _times(since: str | None, until: str | None) -> Json:
    now = present()
    return {
        "since": rfc3339(checked(instant, "--since", since, now)) if since else None,
        "until": rfc3339(checked(instant, "--until", until, now)) if until else None,
    }


def _print(statistic: Statistic, place: Place, output: Format, given: Json) -> None:
    wanted = {name: _written(value) for name, value in given.items() if value is not None}

    async def asked(reader: Reader) -> Json:
        from workflow_audit.kube.audit_statistics import AuditStatistics  # noqa: PLC0415

        statistics = AuditStatistics(reader.api, reader.namespace)
        return await statistics.statistic(statistic.value, wanted)

    _write(read(place, asked), statistic, output)


def _write(found: Json, statistic: Statistic, output: Format) -> None:
    match output:
        case Format.JSON:
            sys.stdout.write(json_text(found))
        case Format.YAML:
            sys.stdout.write(yaml_text(found))
        case Format.CSV:
            columns = [to_camel(name) for name in ROWS[statistic].model_fields]
            sys.stdout.write(csv_text(columns, found["rows"]))
        case Format.TABLE:
            from workflow_audit.cli.statistic_table import statistic_view  # noqa: PLC0415

            show(statistic_view(found))
    if not found["rows"] and output is Format.TABLE:
        print("no searches found for this", file=sys.stderr)
    if found["hasMore"] and sys.stderr.isatty():
        print("there are more rows: --limit shows up to 1000", file=sys.stderr)


def _written(value: str | float | bool) -> str:  # noqa: FBT001 - a value of any kind
    return str(value).lower() if isinstance(value, bool) else str(value)
