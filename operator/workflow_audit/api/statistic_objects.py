"""Statistics as objects of the Kubernetes API, and as tables for `kubectl get`."""

from collections.abc import Sequence
from typing import Any

from workflow_audit.api.objects import camel_case, plain
from workflow_audit.api.tables import IncludeObject
from workflow_audit.models.auditlog import AUDIT_STATISTIC
from workflow_audit.models.statistics import ROWS, Statistic, StatisticAnswer

Json = dict[str, Any]

HIDDEN = frozenset({"bucket", "namespace"})
"""Columns that are there only when they were asked for."""

WIDE = frozenset(
    {"firstWon", "leastConfidence", "greatestConfidence", "eventId", "least", "failed"}
)
"""Columns for `-o wide`."""


def audit_statistic(found: StatisticAnswer) -> Json:
    """Give a statistic as an object; what is empty is left out."""
    query = found.query
    given: Json = {"limit": query.limit}
    if query.statistic is Statistic.LOW_CONFIDENCE:
        given["threshold"] = query.threshold
    else:
        given |= {"bucket": query.bucket.value, "byNamespace": query.by_namespace}
    if query.workflow_id is not None:
        given["workflowId"] = query.workflow_id
    totals = {"totals": camel(found.totals)} if found.totals else {}
    return {
        "apiVersion": AUDIT_STATISTIC.api_version,
        "kind": AUDIT_STATISTIC.kind,
        "metadata": metadata(found),
        "period": {"since": plain(query.period.since), "until": plain(query.period.until)},
        "parameters": given,
        **totals,
        "rows": [camel(row) for row in found.rows],
        "hasMore": found.has_more,
    }


def metadata(found: StatisticAnswer) -> Json:
    """Give the name, which is the statistic's, and the namespace where one was asked for."""
    named = {"name": found.query.statistic.value}
    return named | ({"namespace": found.query.namespace} if found.query.namespace else {})


def camel(values: Any) -> Json:
    """Give the fields of a model, without those that are empty."""
    return {camel_case(name): plain(value) for name, value in values if value is not None}


def statistic_list(answers: Sequence[StatisticAnswer]) -> Json:
    """Give statistics as a list object."""
    return {
        "apiVersion": AUDIT_STATISTIC.api_version,
        "kind": f"{AUDIT_STATISTIC.kind}List",
        "metadata": {"resourceVersion": ""},
        "items": [audit_statistic(found) for found in answers],
    }


def list_table(answers: Sequence[StatisticAnswer], include: IncludeObject) -> Json:
    """Give one row for each statistic: how much there is, and what stands first."""
    columns = [
        _column("Name", "string", "Which statistic; get it by this name.", "name"),
        _column("Rows", "string", "Rows that it has; + when there are more."),
        _column("First", "string", "What its first row says."),
        _column("Searches", "string", "Searches of the period."),
        _column("Empty", "string", "Those that found nothing."),
        _column("Failed", "string", "Those that failed."),
        _column("Since", "date", "When the period begins.", priority=1),
    ]
    rows = []
    for found in answers:
        totals = found.totals
        counts = (totals.searches, totals.empty, totals.failed) if totals else ("", "", "")
        number = f"{len(found.rows)}{'+' if found.has_more else ''}"
        name, since = found.query.statistic.value, plain(found.query.period.since)
        cells = [name, number, _first(found), *map(str, counts), since]
        rows.append({"cells": cells} | _beside(found, include))
    return _table(columns, rows)


def statistic_table(found: StatisticAnswer, include: IncludeObject) -> Json:
    """Give the rows of one statistic."""
    query = found.query
    shown = [name for name in ROWS[query.statistic].model_fields if name not in HIDDEN]
    if query.by_namespace or query.statistic is Statistic.LOW_CONFIDENCE:
        shown.insert(0, "namespace")
    if query.bucket.value != "none":
        shown.insert(0, "bucket")
    fields = ROWS[query.statistic].model_fields
    columns = [
        _column(
            camel_case(name)[0].upper() + camel_case(name)[1:],
            "string",
            fields[name].description or "",
            priority=int(camel_case(name) in WIDE),
        )
        for name in shown
    ]
    rows = [
        {"cells": [_cell(getattr(row, name)) for name in shown]} | _beside(found, include)
        for row in found.rows
    ]
    return _table(columns, rows)


def _first(found: StatisticAnswer) -> str:
    """Say in short what the first row is about."""
    if not found.rows:
        return ""
    row = dict(found.rows[0])
    filters = row.get("filters")
    subject = row.get("workflow_id") or row.get("text") or _cell(filters)
    number = next((row[key] for key in ("listed", "won", "searches", "scorings") if key in row), "")
    return f"{subject} {number or _cell(row.get('confidence'))}".strip()


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case float():
            return f"{value:.4f}".rstrip("0").rstrip(".")
        case dict():
            return ",".join(f"{key}={each}" for key, each in value.items()) or "(none)"
        case _:
            return str(plain(value))


def _column(name: str, kind: str, description: str, form: str = "", priority: int = 0) -> Json:
    return {
        "name": name,
        "type": kind,
        "format": form,
        "description": description,
        "priority": priority,
    }


def _beside(found: StatisticAnswer, include: IncludeObject) -> Json:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": audit_statistic(found)}
    kind = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    return {"object": kind | {"metadata": metadata(found)}}


def _table(columns: list[Json], rows: list[Json]) -> Json:
    return {
        "apiVersion": "meta.k8s.io/v1",
        "kind": "Table",
        "metadata": {"resourceVersion": ""},
        "columnDefinitions": columns,
        "rows": rows,
    }
