"""The Grafana dashboard, panel by panel; `make alerts` writes it as JSON beside the package's code.

Typed by Grafana's own SDK for the oldest Grafana that we support: newer ones read older dashboards.
Only a build needs the SDK (docs/decisions/0010-the-dashboard-is-built.md).
"""

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models import dashboard as model

from panels import (
    HALF,
    HERE,
    OF_EVENTS,
    PROMETHEUS,
    QUARTER,
    THIRD,
    AnyPanel,
    Query,
    bars,
    figure,
    lines,
    panel,
    quantile,
    rate,
    seen,
)


def dashboard() -> Dashboard:
    """Give the dashboard; title and uid are the policy's."""
    board = (
        Dashboard("Workflow Audit")
        .tags(["workflow-audit", "kubernaut"])
        .time("now-24h", "now")
        .refresh("1m")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            QueryVariable("job")
            .label("Job")
            .datasource(PROMETHEUS)
            .query("label_values(workflow_audit_build_info, job)")
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(model.VariableSort.ALPHABETICAL_ASC)
            .multi(multi=True)
            .include_all(include_all=True)
            .all_value(".*")
            .current(model.VariableOption(selected=True, text=["All"], value=["$__all"]))
        )
    )
    rows = {
        "Writing and reading": _writing_and_reading(),
        "Waiting": _waiting(),
        "Answers": _answers(),
        "Keeping": _keeping(),
        "Is everything there?": _comparing(),
    }
    number = 0
    for title, panels in rows.items():
        number += 1
        board.with_row(Row(title).id(number))
        for each in panels:
            number += 1
            board.with_panel(each.id(number))
    return board


def _writing_and_reading() -> list[AnyPanel]:
    rows = rate("workflow_audit_batch_rows_sum")
    batches = rate("workflow_audit_batch_rows_count")
    return [
        panel(
            lines(),
            "Searches recorded",
            "Searches a second that are done, by status. Replayed: the event was there already.",
            "ops",
            THIRD,
            Query(rate("workflow_audit_events_total", " by (status)"), "{{status}}"),
        ),
        panel(
            lines(),
            "Write latency",
            "From handing an event to the writer until its COMMIT. Aim: P95 below 50 ms.",
            "s",
            THIRD,
            quantile(0.95, "workflow_audit_write_duration_seconds"),
            quantile(0.5, "workflow_audit_write_duration_seconds"),
        ),
        panel(
            lines(),
            "Write errors",
            "Failed writes a second, by kind. They are tried again.",
            "ops",
            THIRD,
            Query(rate("workflow_audit_write_errors_total", " by (error_type)"), "{{error_type}}"),
        ),
        panel(
            lines(),
            "Query latency",
            "From a reader's request for events until the answer is there. Aim: P95 below 200 ms.",
            "s",
            THIRD,
            quantile(0.95, "workflow_audit_query_duration_seconds", OF_EVENTS),
            quantile(0.5, "workflow_audit_query_duration_seconds", OF_EVENTS),
        ),
        panel(
            lines(),
            "Events read",
            "Audit events a second that were given to readers.",
            "ops",
            THIRD,
            Query(rate("workflow_audit_query_results_total"), "events"),
        ),
        panel(
            lines(),
            "Events per COMMIT",
            "Average size of a batch; at 200 the database is what limits.",
            "short",
            THIRD,
            Query(f"{rows} / ({batches} > 0)", "events"),
        ),
    ]


def _waiting() -> list[AnyPanel]:
    return [
        panel(
            lines(),
            "Pending searches",
            "Searches that the operator has seen and not recorded yet.",
            "short",
            THIRD,
            Query(seen("workflow_audit_pending_searches"), "pending"),
        ),
        panel(
            lines(),
            "Oldest pending search",
            "Its age; a search waits for the database, or for its policy.",
            "s",
            THIRD,
            Query(seen("workflow_audit_oldest_pending_seconds"), "age"),
        ),
        panel(
            figure("green", {1: "red"}),
            "Policies not ready",
            "Policies of which something that they ask for is not in place.",
            "short",
            THIRD,
            Query(seen("workflow_audit_policies", '{ready="false", job=~"$job"}'), "not ready"),
        ),
    ]


def _answers() -> list[AnyPanel]:
    selections = f"increase(workflow_audit_selections_total{HERE}[$__range])"
    confidence = f"increase(workflow_audit_confidence_bucket{HERE}[$__range])"
    low = rate("workflow_audit_low_confidence_searches_total")
    with_winner = rate("workflow_audit_confidence_count")
    return [
        panel(
            bars(),
            "Top workflows",
            "Workflows that won most searches in this period. Prometheus does not see the first"
            " selection of a workflow after a start of the operator.",
            "short",
            THIRD,
            Query(
                f"sort_desc(topk(10, sum by (workflow_id) ({selections})))",
                "{{workflow_id}}",
                whole_period=True,
            ),
        ),
        panel(
            bars(),
            "Confidence of winners",
            "Searches in this period by the confidence of their winner, up to the bar's name.",
            "short",
            THIRD,
            Query(f"sum by (le) ({confidence})", "{{le}}", whole_period=True, buckets=True),
        ),
        panel(
            lines().max(1),
            "Low confidence",
            "Share of the searches with a winner whose winner is below the policy's threshold.",
            "percentunit",
            THIRD,
            Query(f"{low} / ({with_winner} > 0)", "share"),
        ),
    ]


def _keeping() -> list[AnyPanel]:
    table = seen("workflow_audit_table_bytes")
    success = "workflow_audit_retention_last_success_timestamp_seconds"
    removed = f"increase(workflow_audit_retention_removed_rows_total{HERE}[1d])"
    return [
        panel(
            lines(),
            "Storage",
            "Size of audit_events on disk, indexes included.",
            "bytes",
            QUARTER,
            Query(table, "bytes"),
        ),
        panel(
            lines(lowest=None),
            "Storage growth a day",
            "Size now less size a day ago; negative when retention has removed a partition.",
            "bytes",
            QUARTER,
            Query(f"{table} - {seen('workflow_audit_table_bytes', f'{HERE} offset 1d')}", "a day"),
        ),
        panel(
            figure("blue").no_value("never"),
            "Last retention",
            "When a retention run last ended well; by default one is due every day.",
            "dateTimeFromNow",
            QUARTER,
            Query(f"{seen(success, f'{HERE} > 0')} * 1000", "succeeded"),
        ),
        panel(
            lines(),
            "Rows removed by retention",
            "Expired events that were removed in the last day, at each point in time.",
            "short",
            QUARTER,
            Query(f"sum({removed})", "rows"),
        ),
    ]


def _comparing() -> list[AnyPanel]:
    success = "workflow_audit_verify_last_success_timestamp_seconds"
    return [
        panel(
            figure("green", {1: "red"}),
            "Not as they should be",
            "What the last comparison of searches and audit events found; workflow-audit verify"
            " names them.",
            "short",
            HALF,
            Query(seen("workflow_audit_verify_missing"), "missing"),
            Query(seen("workflow_audit_verify_different"), "different"),
            Query(seen("workflow_audit_verify_extra"), "extra"),
        ),
        panel(
            figure("blue").no_value("never"),
            "Last comparison",
            "When searches and audit events were last compared to the end; by default it is done"
            " every six hours.",
            "dateTimeFromNow",
            HALF,
            Query(f"{seen(success, f'{HERE} > 0')} * 1000", "ended"),
        ),
    ]
