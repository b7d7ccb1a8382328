"""The example for HolmesGPT: whatever comes of a search is told to the audit, and to the caller."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

import workflow_search
from support.example_catalogue import example_catalogue
from support.faulty_server import (
    Behaviour,
    FaultyServer,
    answer,
    hang,
    identity,
    redirect,
    refusal,
    reset,
)
from workflow_audit.client import AuditClient, ClientSettings
from workflow_search import CatalogueError, WorkflowCatalogue

SCRIPT = workflow_search.__file__
RECORDED = answer({"event_id": "0a3c1f5e-8c5e-5d0b-9a55-0d4f6d3a7e21", "status": "recorded"}, 201)
FILTERS = {"signal-type": "OOMKilled", "resource-management": "gitops"}
QUERY = "OOMKilled critical, raise the memory limit of the pod through Git"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """What the audit's server looks like from an agent."""
    with FaultyServer(RECORDED) as faulty:
        yield faulty


@pytest.fixture
def audit(server: FaultyServer, tmp_path: Path) -> Iterator[AuditClient]:
    settings = ClientSettings(url=server.url, namespace="payments", spool_path=tmp_path / "spool")
    with AuditClient(settings) as client:
        yield client


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up soon what never comes."""
    monkeypatch.setattr(workflow_search, "TIMEOUT_SECONDS", 0.3)


def told(server: FaultyServer, audit: AuditClient) -> dict[str, Any]:
    """Give the one event that the audit was told."""
    assert audit.flush(30)
    (request,) = server.requests
    assert request.path == "/api/v1/audit/events"
    event: dict[str, Any] = request.json()
    return event


def test_what_was_found_is_recorded_as_it_was_answered(
    server: FaultyServer, audit: AuditClient
) -> None:
    with example_catalogue() as url:
        found = WorkflowCatalogue(url, audit).search(
            QUERY, remediation_id="rr-2026-004", filters=FILTERS, top_k=2
        )
    event = told(server, audit)
    assert (event["correlation_id"], event["namespace"]) == ("rr-2026-004", "payments")
    assert event["event_outcome"] == "success"
    data = event["event_data"]
    assert (data["query"]["text"], data["query"]["filters"], data["query"]["top_k"]) == (
        QUERY,
        FILTERS,
        2,
    )
    assert data["search_metadata"]["duration_ms"] >= 0
    results = data["results"]
    assert (results["total_found"], results["returned"]) == (found["total_results"], 2)
    for recorded, answered in zip(results["workflows"], found["workflows"], strict=True):
        assert recorded["workflow_id"] == answered["workflow"]["workflow_id"]
        assert recorded["scoring"]["confidence"] == answered["final_score"]
        assert recorded["scoring"]["boost_breakdown"] == answered["boost_breakdown"]
    assert results["workflows"][0]["workflow_id"] == "pod-oom-gitops"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("behaviour", "code", "raised"),
    [
        pytest.param(hang, "CatalogueTimeout", requests.Timeout, id="hangs"),
        pytest.param(reset, "ConnectionFailed", requests.ConnectionError, id="resets"),
        pytest.param(refusal(401), "CatalogueRefused", requests.HTTPError, id="401"),
        pytest.param(
            redirect("http://127.0.0.1:1/"), "CatalogueRefused", requests.HTTPError, id="redirects"
        ),
        pytest.param(refusal(500), "CatalogueFailed", requests.HTTPError, id="500"),
        pytest.param(answer(b"<html>"), "MalformedResponse", requests.JSONDecodeError, id="html"),
        pytest.param(answer(["a"]), "MalformedResponse", CatalogueError, id="no-answer"),
    ],
)
def test_a_failure_is_recorded_and_reaches_the_caller_unchanged(
    server: FaultyServer,
    audit: AuditClient,
    behaviour: Behaviour,
    code: str,
    raised: type[Exception],
) -> None:
    with FaultyServer(behaviour) as faulty, pytest.raises(raised):
        WorkflowCatalogue(faulty.url, audit).search(QUERY, remediation_id="rr-2026-005")
    event = told(server, audit)
    assert event["event_outcome"] == "failure"
    assert event["error_code"] == code
    assert event["event_data"]["failure"]["code"] == code


def test_a_refused_connection_is_recorded(server: FaultyServer, audit: AuditClient) -> None:
    with FaultyServer(hang) as nobody:
        nobody.refuse()
        with pytest.raises(requests.ConnectionError):
            WorkflowCatalogue(nobody.url, audit).search(QUERY, remediation_id="rr-2026-006")
    assert told(server, audit)["error_code"] == "ConnectionRefused"


def test_a_certificate_that_nobody_trusts_is_recorded(
    server: FaultyServer, audit: AuditClient
) -> None:
    with (
        FaultyServer(answer({"workflows": []}), tls=identity()) as impostor,
        pytest.raises(requests.exceptions.SSLError),
    ):
        WorkflowCatalogue(impostor.url, audit).search(QUERY, remediation_id="rr-2026-007")
    assert told(server, audit)["error_code"] == "TLSError"


def test_the_token_is_sent_and_told_to_nobody(
    server: FaultyServer, audit: AuditClient, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("made-up-token\n")
    with example_catalogue(f"--token-file={token}") as url:
        found = WorkflowCatalogue(url, audit, token).search(QUERY, remediation_id="rr-2026-008")
    assert found["workflows"]
    assert "made-up-token" not in json.dumps(told(server, audit))


def test_a_search_neither_fails_nor_waits_where_the_audit_hangs(
    server: FaultyServer, audit: AuditClient
) -> None:
    server.behave(hang)
    with example_catalogue() as url:
        catalogue = WorkflowCatalogue(url, audit)
        began = time.monotonic()
        assert all(
            catalogue.search(QUERY, remediation_id="rr-2026-009")["workflows"] for _ in "abc"
        )
    assert time.monotonic() - began < 3, "an attempt at the audit takes five seconds"
    server.behave(RECORDED)


def run(server: FaultyServer, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Search as the README says, with the audit's server in the environment."""
    audited = {"data_storage_audit_url": server.url, "AUDIT_SPOOL_PATH": str(folder / "spool")}
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments, QUERY],
        env={**os.environ, **audited},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_line_prints_the_answer_and_has_it_recorded(
    server: FaultyServer, tmp_path: Path
) -> None:
    with example_catalogue() as url:
        arguments = [f"--catalogue={url}", "--remediation=rr-2026-010", "--top-k=1"]
        done = run(server, tmp_path, *arguments, "--filter=signal-type=OOMKilled")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["workflows"]) == 1
    (request,) = server.requests
    assert request.json()["correlation_id"] == "rr-2026-010"


def test_the_command_line_says_why_there_is_no_answer(server: FaultyServer, tmp_path: Path) -> None:
    with FaultyServer(refusal(500)) as broken:
        done = run(server, tmp_path, f"--catalogue={broken.url}")
    assert done.returncode == 1
    assert done.stderr.startswith("HTTPError: the catalogue answers 500")
    (request,) = server.requests
    assert request.json()["error_code"] == "CatalogueFailed"
