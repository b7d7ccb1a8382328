"""A search without an answer is run by the operator, and recorded like any other."""

from pathlib import Path
from typing import Any

import pytest

from support.catalogues import ANSWER, CAMEL_ANSWER, OPEN, TOKEN, CatalogueSecret, ready
from support.condition_rules import condition_of
from support.environment import kubectl
from support.eventually import eventually
from support.faulty_api import Fault, FaultyApi, Request
from support.faulty_server import (
    Behaviour,
    FaultyServer,
    answer,
    gzip_bomb,
    hang,
    identity,
    oversized,
    redirect,
    refusal,
    reset,
)
from support.operator_process import StartOperator
from support.policies import Policies
from support.searches import Searches, bundled_specs, search
from unit.searches import changed
from workflow_audit.domain.catalogue_answer import catalogue_results
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


@pytest.mark.parametrize("shape", [ANSWER, CAMEL_ANSWER], ids=["first-shape", "camel-case"])
def test_created_waited_for_and_answered(
    searches: Searches, cluster: Policies, start_operator: StartOperator, shape: dict[str, Any]
) -> None:
    operator = start_operator().wait_ready()
    with FaultyServer(answer(shape)) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN | {"requestedBy": "somebody-else"}])
        found = ready(searches, "s-0001")
        (request,) = catalogue.requests
    assert (request.method, request.path) == ("POST", "/api/v1/workflows/search")
    assert request.json() == {
        "query": "OOMKilled critical",
        "filters": {"signal-type": "OOMKilled"},
        "top_k": 2,
        "min_similarity": 0.3,
        "remediation_id": "rr-2026-001",
    }
    assert request.headers["Authorization"] is None
    status, row = found["status"], searches.row("s-0001")
    assert (
        condition_of(found, "Searched")["message"] == "the catalogue found 5 workflows and listed 2"
    )
    get = ("get", "wfs", "-n", searches.namespace, "s-0001", "--no-headers")
    assert kubectl(searches.environment, *get).split()[-4:-1] == ["5", "success", "Recorded"]
    assert status["summary"]["topWorkflow"] == "pod-oom-gitops"
    assert status["policy"] == "ClusterAuditPolicy/with-catalogue"
    results, stored = status["results"], row["event_data"]["results"]
    assert (results["totalFound"], results["returned"]) == (5, 2)
    assert results["durationMs"] == row["duration_ms"]
    assert [each["workflowId"] for each in results["workflows"]] == [
        each["workflow_id"] for each in stored["workflows"]
    ]
    assert results["workflows"][0]["scoring"]["labelBoost"] == 0.18
    assert row["event_metadata"]["catalogue"] == "ClusterAuditPolicy/with-catalogue"
    assert row["event_metadata"]["requested_by"] == "workflow-audit-admin"
    assert row["top_workflow_id"] == "pod-oom-gitops"
    metrics = operator.metrics()
    assert metrics['workflow_audit_catalogue_requests_total{outcome="success"}'] == 1
    assert metrics["workflow_audit_catalogue_request_duration_seconds_count"] == 1


def test_the_same_search_with_its_answer_gives_the_same_event(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    with FaultyServer(answer(ANSWER)) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN], prefix="run")
        ready(searches, "run-0001")
    executed = searches.row("run-0001")
    results = catalogue_results(ANSWER, duration_ms=executed["duration_ms"])
    closed = OPEN | {
        "searchedAt": executed["event_data"]["search_metadata"]["searched_at"],
        "results": results.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    searches.create([closed], prefix="told")
    assert "results" not in ready(searches, "told-0001")["status"], "they stand in spec"
    run, told = sorted(searches.rows("event_data::text"), key=str)
    assert run == told
    columns = {"duration_ms", "top_workflow_id", "top_confidence", "actor_id", "correlation_id"}
    row = searches.row("told-0001")
    assert {name: row[name] for name in columns} == {name: executed[name] for name in columns}
    assert "catalogue" not in row["event_metadata"]


REASONS: list[tuple[str, Behaviour, str]] = [
    ("CatalogueTimeout", hang, "did not answer within 0.5 s"),
    ("ConnectionFailed", reset, "broke"),
    ("CatalogueRefused", refusal(401), "401 Unauthorized; look at the token"),
    ("CatalogueRefused", redirect("http://127.0.0.1:9/"), "redirects are not followed"),
    ("CatalogueFailed", refusal(500), "500 Internal Server Error"),
    ("MalformedResponse", answer(b"<html>password=hunter2demo"), "is no JSON"),
    (
        "MalformedResponse",
        answer({"workflows": [{"workflow_id": "x", "final_score": "password=hunter2demo"}]}),
        "answer.workflows[0].final_score: ",
    ),
    ("MalformedResponse", gzip_bomb(2**26), "is compressed"),
    ("ResponseTooLarge", oversized(2**23), "longer than"),
]


def test_each_failure_is_a_fact_with_its_reason(
    searches: Searches,
    cluster: Policies,
    secret: CatalogueSecret,
    start_operator: StartOperator,
) -> None:
    operator = start_operator().wait_ready()
    failures: dict[str, dict[str, Any]] = {}

    def failed(name: str, reason: str, words: str) -> None:
        assert searches.submit(search(OPEN, name)).ok
        found = ready(searches, name)
        condition, row = condition_of(found, "Searched"), searches.row(name)
        assert (condition["status"], condition["reason"]) == ("False", reason)
        assert words in condition["message"]
        assert condition["message"] == row["error_message"]
        assert (row["event_outcome"], row["error_code"]) == ("failure", reason)
        assert row["event_data"]["failure"] == {"code": reason, "message": row["error_message"]}
        assert row["duration_ms"] is not None
        assert "results" not in found["status"]
        failures[name] = found

    failed("without-a-catalogue", "CatalogueNotConfigured", "has a spec.catalogue")
    with FaultyServer(hang) as catalogue, FaultyServer(hang, tls=identity()) as unknown:
        named = {"url": catalogue.url, "timeoutSeconds": 0.5, "credentials": secret.reference}
        cluster.apply("with-catalogue", catalogue=named)
        cluster.wait_ready("with-catalogue")
        for number, (reason, behaviour, words) in enumerate(REASONS):
            catalogue.behave(behaviour)
            failed(f"s-{number}", reason, words)
        assert {each.headers["Authorization"] for each in catalogue.requests} == {f"Bearer {TOKEN}"}
        catalogue.refuse()
        failed("refused", "ConnectionRefused", f":{catalogue.port} refuses connections")
        cluster.apply("with-catalogue", catalogue={"url": unknown.url})
        cluster.wait_ready("with-catalogue")
        failed("tls", "TLSError", "its certificate is not trusted")
        named["credentials"] = {"secretRef": {"name": "workflow-audit-catalogue", "key": "other"}}
        cluster.apply("with-catalogue", catalogue=named)
        cluster.wait("with-catalogue", "CredentialsMissing")
        failed("no-key", "CatalogueCredentialsMissing", "has no key other")
        named["credentials"] = {"secretRef": {"name": "somebody-elses"}}
        cluster.apply("with-catalogue", catalogue=named)
        cluster.wait("with-catalogue", "CredentialsMissing")
        failed("no-right", "CatalogueCredentialsMissing", "apply manifests/components/catalogue-token/rights.yaml")
    everything = operator.log + repr(failures) + repr(searches.rows())
    assert TOKEN not in everything
    assert "hunter2demo" not in everything
    assert operator.metrics()['workflow_audit_catalogue_requests_total{outcome="TLSError"}'] == 1


def test_a_policy_says_what_is_wrong_with_its_catalogue(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    named = {"url": "https://127.0.0.1:9", "caBundle": "made up"}
    cluster.apply("with-catalogue", catalogue=named)
    found = cluster.wait("with-catalogue", "CatalogueInvalid", "Stalled")
    said = "spec.catalogue.caBundle: '(hidden)' holds no certificate"
    assert condition_of(found, "Catalogue")["message"].startswith(said)
    searches.create([OPEN], prefix="open")
    searches.create(bundled_specs()[:1], prefix="closed")
    assert condition_of(ready(searches, "closed-0001"), "Searched")["status"] == "True"
    searched = condition_of(ready(searches, "open-0001"), "Searched")
    assert searched["reason"] == "CatalogueNotConfigured"
    assert searched["message"].startswith(said)
    cluster.apply("with-catalogue", catalogue={"url": "https://127.0.0.1:9"})
    assert condition_of(cluster.wait_ready("with-catalogue"), "Catalogue")["status"] == "True"


def test_the_catalogue_of_the_cluster_counts_where_a_team_has_a_policy_of_its_own(
    searches: Searches, cluster: Policies, own: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    answered = changed(ANSWER, ("workflows", 0, "workflow", "title"), "call jane@example.com")
    with FaultyServer(answer(answered)) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        own.apply("strict", limits={"maxWorkflows": 1})
        cluster.wait_ready("with-catalogue")
        own.wait_ready("strict")
        searches.create([OPEN])
        status, row = ready(searches, "s-0001")["status"], searches.row("s-0001")
    assert status["policy"] == "AuditPolicy/strict"
    assert row["event_metadata"]["catalogue"] == "ClusterAuditPolicy/with-catalogue"
    (workflow,) = status["results"]["workflows"]
    assert workflow["title"] == "call [redacted:email]"
    assert status["summary"]["truncated"] == {"workflows": 1, "characters": 0}
    assert (status["results"]["totalFound"], status["results"]["returned"]) == (5, 2)


def test_nothing_is_searched_while_auditing_is_off(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    start_operator().wait_ready()
    with FaultyServer(answer(ANSWER)) as catalogue:
        cluster.apply("with-catalogue", enabled=False, catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN])
        eventually(searches.phases, until=lambda phases: phases == {"Skipped": 1})
        assert catalogue.requests == ()


def test_a_search_waits_while_the_api_server_does_not_tell_the_token(
    searches: Searches,
    cluster: Policies,
    secret: CatalogueSecret,
    start_operator: StartOperator,
    *,
    prepared_environment: LocalEnvironment,
    tmp_path: Path,
) -> None:
    def no_secrets(request: Request) -> Fault | None:
        return Fault("secret", 503) if "/secrets/" in request.path else None

    with FaultyServer(answer(ANSWER)) as catalogue, FaultyApi(prepared_environment) as proxy:
        with proxy.answering(no_secrets):
            start_operator(
                KUBECONFIG=proxy.kubeconfig(tmp_path),
                AUDIT_OPERATOR_PATIENCE_SECONDS="0.5",
                AUDIT_OPERATOR_RETRY_SECONDS="0.5",
            ).wait_ready()
            named = {"url": catalogue.url, "credentials": secret.reference}
            cluster.apply("with-catalogue", catalogue=named)
            cluster.wait("with-catalogue", "Unreachable", "Reconciling")
            searches.create([OPEN])
            eventually(
                lambda: condition_of(searches.get("s-0001"), "Recorded").get("reason"),
                until=lambda reason: reason == "CredentialsUnknown",
            )
            assert catalogue.requests == ()
        assert ready(searches, "s-0001")["status"]["outcome"] == "success"
        cluster.wait_ready("with-catalogue")
        assert len(catalogue.requests) == 1


def test_a_hanging_catalogue_holds_up_no_other_search(
    searches: Searches, cluster: Policies, start_operator: StartOperator
) -> None:
    operator = start_operator(AUDIT_OPERATOR_CATALOGUE_REQUESTS="4").wait_ready()
    with FaultyServer(hang) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN] * 40, prefix="open")
        eventually(lambda: len(catalogue.requests) == 4)
        searches.create(bundled_specs()[:20], prefix="closed")
        eventually(lambda: searches.phases()["Recorded"] >= 20, within_seconds=4)
        recorded = searches.selected("status.phase=Recorded")
        assert all(name.startswith("closed") for name in recorded), "five seconds are not over"
        searches.wait_recorded(60)
        assert len(catalogue.requests) < 40
    rows = [row for row in searches.rows() if row["resource_name"].startswith("open")]
    assert {row["error_code"] for row in rows} == {"CatalogueTimeout"}
    waited = [row for row in rows if "had too much to do" in row["error_message"]]
    assert waited
    assert "AUDIT_OPERATOR_CATALOGUE_REQUESTS" in waited[0]["error_message"]
    name = 'workflow_audit_catalogue_requests_total{outcome="CatalogueTimeout"}'
    assert operator.metrics()[name] == 40
