"""What a comparison found, for people and for programs: counts first, then names."""

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from rich.table import Table
from rich.text import Text

from workflow_audit.cli.event_formats import json_text
from workflow_audit.cli.text import printable, show
from workflow_audit.domain.instants import rfc3339
from workflow_audit.models.verification import Finding, Report

GOOD, BAD = "green", "bold red"


class Output(StrEnum):
    """Forms of output."""

    TABLE = "table"
    JSON = "json"


def print_report(report: Report, output: Output, *, repaired: bool) -> None:
    """Print it.

    Args:
        report: what was found.
        output: for whom.
        repaired: whether what was missing was to be recorded again.
    """
    if output is Output.JSON:
        sys.stdout.write(json_text(as_json(report)))
        return
    show(_counts(report, repaired=repaired))
    if report.findings:
        print()
        show(_names(report.findings))
    if report.unrepaired:
        print("\nnot recorded again:")
        show(_names(report.unrepaired))
    left_out = _left_out(report)
    if left_out:
        print(f"\n{left_out} more are not shown; --all shows them")
    print(f"\n{verdict(report)}")


def verdict(report: Report) -> str:
    """Say it in one sentence."""
    if not report.all_there:
        return "not everything is as it should be; docs/how-to/verify.md says what to do"
    counts = report.counts
    what = "all that is compared" if report.content_compared else "names and times"
    again = f", {counts.repaired} of them recorded again" if counts.repaired else ""
    return f"everything is there{again}: {what} of searches and audit events agree"


def as_json(report: Report) -> dict[str, Any]:
    """Give it for programs; names of fields are part of the interface."""
    counts = report.counts
    return {
        "allThere": report.all_there,
        "clusterId": str(report.cluster_id),
        "beganAt": rfc3339(report.began_at),
        "contentCompared": report.content_compared,
        "counts": {
            "searches": counts.searches,
            "recorded": counts.recorded,
            "recordedAgain": counts.recorded_again,
            "pending": counts.pending,
            "skipped": counts.skipped,
            "expired": counts.expired,
            "missing": counts.missing,
            "different": counts.different,
            "extra": counts.extra,
            "repaired": counts.repaired,
            "rows": counts.rows,
            "searchesGone": counts.searches_gone,
        },
        "findings": [_finding(finding) for finding in report.findings],
        "unrepaired": [_finding(finding) for finding in report.unrepaired],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "namespace": finding.namespace,
        "name": finding.name,
        "uid": finding.uid,
        "eventId": str(finding.event_id),
        "why": finding.why,
    }


def _counts(report: Report, *, repaired: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right")
    for number, words, is_bad in _lines(report, repaired=repaired):
        style = BAD if is_bad and number else GOOD if is_bad else ""
        table.add_row(Text(str(number), style), words)
    return table


def _lines(report: Report, *, repaired: bool) -> Iterator[tuple[int, str, bool]]:
    counts = report.counts
    yield counts.searches, "searches in the cluster", False
    yield counts.recorded, "recorded, with their audit event", False
    if counts.recorded_again:
        yield counts.recorded_again, "of these recorded again, later than their status says", False
    yield counts.pending, "pending: not recorded yet", False
    yield counts.skipped, "skipped: auditing is off for them", False
    if counts.expired:
        yield counts.expired, "recorded, and their event removed by retention", False
    yield counts.missing, "missing: recorded, and without an audit event", True
    if repaired:
        yield counts.repaired, "of these recorded again now", False
    yield counts.different, "different: search and audit event disagree", True
    yield counts.extra, "extra: audit events that should not be there", True
    if counts.rows is not None and counts.searches_gone is not None:
        words = "audit events of resources since the oldest search in the cluster"
        yield counts.rows, words, False
        yield counts.searches_gone, "of these without their search, as expected", False


def _names(findings: Sequence[Finding]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("KIND", "NAMESPACE", "NAME", "EVENT", "WHY"):
        table.add_column(heading)
    for finding in findings:
        cells = (
            finding.kind,
            finding.namespace or "-",
            finding.name or "-",
            str(finding.event_id),
            finding.why,
        )
        table.add_row(*map(printable, cells))
    return table


def _left_out(report: Report) -> int:
    counts = report.counts
    return counts.missing + counts.different + counts.extra - len(report.findings)
