"""While no operator runs nothing unrecorded can be deleted; afterwards it goes by itself."""

import subprocess

import pytest

from support.api import Api
from support.environment import kubectl
from support.eventually import eventually
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SPECS = bundled_specs()[:20]


def test_kubectl_delete_is_refused_until_the_search_is_recorded(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    searches.create(SPECS[:1])
    command = ("delete", "workflowsearch", "s-0001", "-n", searches.namespace)
    with pytest.raises(subprocess.CalledProcessError) as refused:
        kubectl(prepared_environment, *command)
    assert "this search is not recorded yet, so it cannot be deleted" in refused.value.stderr
    assert "delete-guard.audit.kubernaut.ai" in refused.value.stderr

    start_operator()
    (recorded,) = searches.wait_recorded(1)
    assert "deleted" in kubectl(prepared_environment, *command)
    assert searches.listed() == []
    assert searches.row("s-0001")["resource_id"] == recorded["metadata"]["uid"]


def test_namespace_deletion_waits_for_the_records_and_then_ends_by_itself(
    searches: Searches,
    api: Api,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
) -> None:
    searches.create(SPECS)
    uids = {item["metadata"]["uid"] for item in searches.listed()}
    kubectl(prepared_environment, "delete", "namespace", searches.namespace, "--wait=false")
    path = f"/api/v1/namespaces/{searches.namespace}"
    held = eventually(
        lambda: [c for c in api.get(path)["status"].get("conditions", []) if c["status"] == "True"]
    )
    assert any("not recorded yet" in condition["message"] for condition in held)
    assert {item["metadata"]["uid"] for item in searches.listed()} == uids

    operator = start_operator()
    eventually(lambda: api.request("GET", path).status, until=lambda status: status == 404)
    assert {row["resource_id"] for row in searches.rows("resource_id")} == uids
    assert searches.row_count() == len(SPECS)
    assert operator.wait_ready().terminate() == 0
