"""A search without an answer is run by the operator, and recorded like any other."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.api import Api
from support.catalogues import ANSWER, CAMEL_ANSWER, OPEN, CatalogueSecret
from support.condition_rules import broken_condition_rules, condition_of
from support.environment import kubectl
from support.faulty_server import FaultyServer, answer
from support.operator_process import StartOperator
from support.policies import Policies
from support.searches import Searches
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


@pytest.fixture
def cluster(api: Api, searches: Searches) -> Iterator[Policies]:
    """ClusterAuditPolicies that are about the namespace only."""
    with Policies(api, searches.namespace, of_cluster=True) as policies:
        yield policies


@pytest.fixture
def own(api: Api, searches: Searches) -> Iterator[Policies]:
    """The AuditPolicies of the namespace."""
    with Policies(api, searches.namespace) as policies:
        yield policies


@pytest.fixture
def secret(api: Api, prepared_environment: LocalEnvironment) -> Iterator[CatalogueSecret]:
    """The Secret with the token, and the operator's right to read it."""
    with CatalogueSecret(api, prepared_environment) as of_catalogue:
        yield of_catalogue


def ready(searches: Searches, name: str) -> dict[str, Any]:
    """Wait for a search as people do, and hold it against its one row."""
    kubectl(
        searches.environment,
        *("wait", "--for=condition=Ready", f"workflowsearch/{name}", "-n", searches.namespace),
        "--timeout=45s",
    )
    found = searches.get(name)
    assert broken_condition_rules(found) == []
    row, status = searches.row(name), found["status"]
    assert status["eventId"] == str(row["event_id"])
    assert status["outcome"] == row["event_outcome"]
    return found


@pytest.mark.parametrize("shape", [ANSWER, CAMEL_ANSWER], ids=["first-shape", "camel-case"])
def test_created_waited_for_and_answered(
    searches: Searches, cluster: Policies, start_operator: StartOperator, shape: dict[str, Any]
) -> None:
    operator = start_operator().wait_ready()
    with FaultyServer(answer(shape)) as catalogue:
        cluster.apply("with-catalogue", catalogue={"url": catalogue.url})
        cluster.wait_ready("with-catalogue")
        searches.create([OPEN])
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
