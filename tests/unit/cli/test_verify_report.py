"""What a comparison found, as people and programs see it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid5

import pytest

from unit.searches import CLUSTER
from workflow_audit.cli.verify_report import Output, print_report
from workflow_audit.models.verification import Counts, Finding, FindingKind, Report

LOST = Finding(
    FindingKind.MISSING,
    "payments",
    "rr-2026-001-x7k2p",
    "0b6f5d0c-2222-4333-8444-955566677788",
    uuid5(CLUSTER, "lost"),
    "status says Recorded, and there is no row",
)


def a_report(counts: Counts, findings: list[Finding], *, content: bool = True) -> Report:
    began = datetime(2026, 11, 24, 3, 41, tzinfo=UTC)
    return Report(CLUSTER, began, content, counts, findings)


COMPLETE = a_report(Counts(searches=3, recorded=2, pending=1, rows=5, searches_gone=3), [])
INCOMPLETE = a_report(Counts(searches=30, recorded=5, missing=25), [LOST])


def printed(
    capsys: pytest.CaptureFixture[str],
    report: Report,
    output: Output = Output.TABLE,
    *,
    repaired: bool = False,
) -> str:
    print_report(report, output, repaired=repaired)
    return capsys.readouterr().out


def test_people_see_counts_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, COMPLETE)
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "3  searches in the cluster"
    assert "0  missing: recorded, and without an audit event" in lines
    assert "3  of these without their search, as expected" in lines
    assert "everything is there: all that is compared of searches and audit events agree" in lines
    assert "recorded again" not in out


def test_names_follow_and_how_many_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, INCOMPLETE)
    assert out.index("25  missing") < out.index("rr-2026-001-x7k2p")
    assert "24 more are not shown; --all shows them" in out
    assert "not everything is as it should be" in out
    assert "audit events of resources" not in out  # not counted


def test_only_names_compared_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    out = printed(capsys, replace(COMPLETE, content_compared=False))
    assert "everything is there: names and times" in out


def test_what_was_recorded_again_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    report = a_report(Counts(searches=1, missing=1, repaired=1), [LOST])
    out = printed(capsys, report, repaired=True)
    assert "1  of these recorded again now" in out
    assert "everything is there, 1 of them recorded again" in out


def test_what_could_not_be_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    why = "auditing is switched off by policy default"
    report = replace(INCOMPLETE, unrepaired=[replace(LOST, why=why)])
    assert why in printed(capsys, report, repaired=True)


def test_names_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    report = replace(INCOMPLETE, findings=[replace(LOST, name="\x1b[2J")])
    assert "\x1b" not in printed(capsys, report)


def test_programs_get_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(printed(capsys, INCOMPLETE, Output.JSON))
    assert found["allThere"] is False
    assert found["counts"] == {
        "searches": 30, "recorded": 5, "recordedAgain": 0, "pending": 0, "skipped": 0,
        "expired": 0, "missing": 25, "different": 0, "extra": 0, "repaired": 0,
        "rows": None, "searchesGone": None,
    }  # fmt: skip
    assert found["findings"] == [
        {
            "kind": "missing",
            "namespace": "payments",
            "name": "rr-2026-001-x7k2p",
            "uid": LOST.uid,
            "eventId": str(LOST.event_id),
            "why": LOST.why,
        }
    ]
