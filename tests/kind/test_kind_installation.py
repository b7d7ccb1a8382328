"""The chart and the image in a cluster whose pods really run."""

import json

import pytest

from kind.conftest import Installed
from support.chart import NAMESPACE, RELEASE, ROOT
from support.eventually import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

TEAM = "payments"
SEARCHES = "workflowsearches.audit.kubernaut.ai"


@pytest.fixture(scope="module")
def recorded(installed: Installed) -> dict[str, str]:
    """The status of a search that was recorded."""
    installed.kubectl("create", "namespace", TEAM)
    example = (ROOT / "examples" / "search.yaml").read_text()
    search = example.replace("namespace: default", f"namespace: {TEAM}")
    name = installed.kubectl("create", "--filename=-", "--output=name", stdin=search)
    recorded = "--for=jsonpath={.status.phase}=Recorded"
    installed.kubectl("wait", "--namespace", TEAM, recorded, "--timeout=120s", name.strip())
    found = installed.kubectl("get", "--namespace", TEAM, name.strip(), "--output=json")
    status: dict[str, str] = json.loads(found)["status"]
    return status


def test_the_chart_passes_its_own_test(installed: Installed) -> None:
    place = [f"--kubeconfig={installed.cluster.kubeconfig_path}", f"--namespace={NAMESPACE}"]
    installed.helm.run("test", RELEASE, *place)


def test_a_search_is_recorded_and_read_back(installed: Installed, recorded: dict[str, str]) -> None:
    events = json.loads(
        installed.kubectl("get", "auditevents", "--namespace", TEAM, "--output=json")
    )
    assert [event["metadata"]["name"] for event in events["items"]] == [recorded["eventId"]]


def test_who_has_no_role_reads_nothing(installed: Installed, recorded: dict[str, str]) -> None:
    as_stranger = ["--as=stranger", "get", "auditevents", "--namespace", TEAM]
    refused = installed.tried_kubectl(*as_stranger)
    assert refused.returncode != 0
    assert "forbidden" in refused.stderr.lower()
    installed.kubectl(
        "create", "rolebinding", "stranger-reads", "--clusterrole=workflow-audit-reader",
        "--user=stranger", "--namespace", TEAM,
    )  # fmt: skip
    eventually(lambda: recorded["eventId"] in installed.tried_kubectl(*as_stranger).stdout)


def test_pods_run_under_the_restricted_standard(installed: Installed) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    answer = installed.tried_kubectl("label", "--dry-run=server", "namespace", NAMESPACE, label)
    ours = [line for line in answer.stderr.splitlines() if "workflow-audit-" in line]
    assert answer.returncode == 0
    assert not [line for line in ours if "trial" not in line]


def test_nothing_is_stuck_after_the_removal(installed: Installed, recorded: dict[str, str]) -> None:
    """Last: it takes away what the others use."""
    place = [f"--kubeconfig={installed.cluster.kubeconfig_path}", f"--namespace={NAMESPACE}"]
    installed.helm.run("uninstall", RELEASE, *place, "--wait")
    left = installed.kubectl("get", "apiservices", "--output=name")
    assert "auditlog.kubernaut.ai" not in left
    installed.kubectl("delete", SEARCHES, "--all", "--namespace", TEAM, "--timeout=60s")
    installed.kubectl("delete", "namespace", TEAM, NAMESPACE, "--timeout=120s")
