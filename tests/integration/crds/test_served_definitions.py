"""The real API server takes our definitions without a warning, and teaches with them."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings

from support.api import APPLY_PATCH, Api
from support.environment import kubectl
from support.golden import Golden
from support.kubernetes_versions import STAMPS_REQUESTERS
from unit.searches import (
    LINES,
    TINY,
    WITHOUT,
    an_event,
    an_outcome,
    changed,
    greatest_spec,
    specs,
)
from workflow_audit.domain.parsing import parse_search
from workflow_audit.domain.status import final_status
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.kinds import KINDS, WORKFLOW_SEARCH
from workflow_audit.models.policy import Limits, PolicySpec
from workflow_audit.models.search import WorkflowSearch

pytestmark = pytest.mark.cluster


CRDS = Path(__file__).parents[3] / "crds"
NAME = "workflowsearches.audit.kubernaut.ai"
NAMESPACE = "served-definitions"
SEARCHES = f"/apis/audit.kubernaut.ai/v1alpha1/namespaces/{NAMESPACE}/workflowsearches"
DRY_RUN = f"{SEARCHES}?dryRun=All&fieldValidation=Strict"


@pytest.fixture(scope="module")
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    with Api(prepared_environment) as administrator:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        administrator.apply(f"/api/v1/namespaces/{NAMESPACE}", body)
        yield administrator


def manifest(spec: Any, name: str = "rr-dry-run") -> dict[str, Any]:
    return {
        "apiVersion": "audit.kubernaut.ai/v1alpha1",
        "kind": "WorkflowSearch",
        "metadata": {"name": name},
        "spec": spec,
    }


def permitted(spec: dict[str, Any]) -> dict[str, Any]:
    """Give a spec without another's name, which a cluster that cannot stamp ours refuses."""
    return spec if STAMPS_REQUESTERS else {k: v for k, v in spec.items() if k != "requestedBy"}


# --- The definitions themselves ---


@pytest.mark.parametrize("path", sorted(CRDS.iterdir()), ids=lambda path: path.stem)
def test_a_definition_is_applied_without_warnings(
    prepared_environment: LocalEnvironment, path: Path
) -> None:
    apply = ("apply", "--server-side", "--dry-run=server", "--warnings-as-errors")
    assert "serverside-applied" in kubectl(prepared_environment, *apply, "-f", str(path))


def test_a_warning_would_be_noticed(prepared_environment: LocalEnvironment, tmp_path: Path) -> None:
    definition = yaml.safe_load((CRDS / "audit.kubernaut.ai_workflowsearches.yaml").read_text())
    (version,) = definition["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec["properties"]["service"]["format"] = "no-such-format"
    (tmp_path / "crd.yaml").write_text(yaml.safe_dump(definition))
    apply = ("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f")
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kubectl(prepared_environment, *apply, str(tmp_path / "crd.yaml"))
    assert "unrecognized format" in caught.value.stderr


def test_conditions_of_the_definitions(prepared_environment: LocalEnvironment) -> None:
    for kind in KINDS:
        name = f"{kind.plural}.audit.kubernaut.ai"
        crd = json.loads(kubectl(prepared_environment, "get", "crd", name, "-o", "json"))
        conditions = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
        assert conditions["Established"] == conditions["NamesAccepted"] == "True"
        assert "NonStructuralSchema" not in conditions


def test_the_server_keeps_the_schema_as_it_is_written(
    prepared_environment: LocalEnvironment,
) -> None:
    served = json.loads(kubectl(prepared_environment, "get", "crd", NAME, "-o", "json"))
    written = yaml.safe_load((CRDS / "audit.kubernaut.ai_workflowsearches.yaml").read_text())
    (there,), (here,) = served["spec"]["versions"], written["spec"]["versions"]
    assert there["schema"] == here["schema"]
    assert there["selectableFields"] == here["selectableFields"]


# --- What kubectl shows ---


@pytest.mark.parametrize(
    "path",
    [
        "spec.results.workflows.scoring",
        "spec.query",
        "spec.failure",
        "status.summary",
        "status.conditions",
    ],
)
def test_explain_teaches(prepared_environment: LocalEnvironment, path: str, golden: Golden) -> None:
    text = kubectl(prepared_environment, "explain", f"workflowsearch.{path}")
    golden(f"explain/{path}.txt", text)


def test_explain_knows_every_field(prepared_environment: LocalEnvironment) -> None:
    text = kubectl(prepared_environment, "explain", "workflowsearch", "--recursive")
    for field in ("boostBreakdown", "penaltyBreakdown", "unattributed", "lastTransitionTime"):
        assert field in text


def test_names_by_which_searches_are_found(prepared_environment: LocalEnvironment) -> None:
    for name in ("wfs", "workflowsearch", "workflowsearches", "workflow-audit"):
        kubectl(prepared_environment, "get", name, "-n", NAMESPACE)


@pytest.fixture(scope="module")
def created(api: Api) -> dict[str, dict[str, Any]]:
    """Three searches, the first of them with its final status."""
    found = {}
    for number, spec in enumerate(LINES[:3], 1):
        name = f"rr-{number}"
        answer = api.request("POST", SEARCHES, manifest(spec, name))
        assert answer.status == 201, answer.message
        found[name] = answer.body
    status = {"status": final_status_of(found["rr-1"])}
    answer = api.request("PATCH", f"{SEARCHES}/rr-1/status", status, "application/merge-patch+json")
    assert answer.ok, answer.message
    found["rr-1"] = answer.body
    return found


def final_status_of(body: dict[str, Any]) -> dict[str, Any]:
    event = an_event(body["spec"])
    return final_status(parse_search(body).metadata, an_outcome(event), now=event.event_timestamp)


def table(environment: LocalEnvironment, *arguments: str) -> list[str]:
    return kubectl(environment, "get", "wfs", "-n", NAMESPACE, *arguments).splitlines()


def test_columns(
    prepared_environment: LocalEnvironment, created: dict[str, dict[str, Any]]
) -> None:
    heading, *rows = table(prepared_environment)
    assert heading.split() == [
        "NAME", "CORRELATION", "QUERY", "WORKFLOW", "CONFIDENCE", "FOUND", "OUTCOME", "PHASE",
        "AGE",
    ]  # fmt: skip
    (row,) = (row for row in rows if row.startswith("rr-1 "))
    for part in ("rr-2026-000222", "remove-taint-v1", "0.6597", "success", "Recorded"):
        assert f" {part} " in row
    assert len(rows) == 3


def test_wide_columns(
    prepared_environment: LocalEnvironment, created: dict[str, dict[str, Any]]
) -> None:
    heading, *rows = table(prepared_environment, "-o", "wide")
    assert heading.split()[-3:] == ["EVENT", "POLICY", "SERVICE"]
    event_id = created["rr-1"]["status"]["eventId"]
    assert any(row.split()[-3:] == [event_id, "default", "holmesgpt-api"] for row in rows)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param("status.phase=Recorded", {"rr-1"}, id="phase"),
        pytest.param(
            "status.phase!=Recorded,status.phase!=Skipped", {"rr-2", "rr-3"}, id="as-we-watch"
        ),
        pytest.param("spec.correlationId=rr-2026-000222", {"rr-1"}, id="correlation-id"),
        pytest.param("spec.correlationId=none", set(), id="nothing"),
        pytest.param("metadata.name=rr-2", {"rr-2"}, id="name"),
    ],
)
def test_field_selectors(
    prepared_environment: LocalEnvironment,
    created: dict[str, dict[str, Any]],
    selector: str,
    names: set[str],
) -> None:
    rows = table(prepared_environment, "--no-headers", f"--field-selector={selector}")
    assert {row.split()[0] for row in rows if row} == names


def test_other_fields_cannot_be_selected(prepared_environment: LocalEnvironment) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        table(prepared_environment, "--field-selector=spec.service=x")
    assert "field label not supported" in caught.value.stderr


def test_columns_of_the_kind_are_the_servers(
    prepared_environment: LocalEnvironment,
) -> None:
    served = json.loads(kubectl(prepared_environment, "get", "crd", NAME, "-o", "json"))
    columns = served["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [c["name"] for c in columns] == [c.name for c in WORKFLOW_SEARCH.columns]


# --- What the server and our parser say of the same search ---


def test_every_bundled_search_is_accepted(api: Api) -> None:
    refused = {}
    for number, spec in enumerate(LINES, 1):
        answer = api.request("POST", DRY_RUN, manifest(spec))
        if answer.status != 201:
            refused[number] = answer.message
    assert not refused


SECOND = ("results", "workflows", 1)
REFUSED = [
    pytest.param(changed(TINY, ("query",), WITHOUT), "spec.query", id="query-missing"),
    pytest.param(
        changed(TINY, (*SECOND, "scoring"), WITHOUT),
        "spec.results.workflows[1].scoring",
        id="scoring-missing",
    ),
    pytest.param(
        changed(TINY, (*SECOND, "scoring", "confidence"), 1.2),
        "spec.results.workflows[1].scoring.confidence",
        id="confidence-above-1",
    ),
    pytest.param(
        changed(TINY, (*SECOND, "rank"), 3), "spec.results.workflows", id="gap-between-ranks"
    ),
    pytest.param(
        changed(TINY, (*SECOND, "rank"), 1), "spec.results.workflows", id="the-same-rank-twice"
    ),
    pytest.param(
        changed(TINY, ("results", "returned"), 1), "spec.results.returned", id="wrong-returned"
    ),
    pytest.param(
        changed(TINY, ("results", "totalFound"), 1),
        "spec.results.returned",
        id="returned-above-total",
    ),
    pytest.param(TINY | {"failure": {"code": "X"}}, "spec", id="both-results-and-failure"),
    pytest.param(
        changed(TINY, ("query", "filters"), {"k" * 64: "v"}),
        "spec.query.filters",
        id="long-label-key",
    ),
    pytest.param(
        changed(TINY, ("query", "filters"), {"": "v"}), "spec.query.filters", id="empty-label-key"
    ),
]


@pytest.mark.parametrize(("spec", "path"), REFUSED)
def test_a_broken_rule_is_refused_at_its_field(api: Api, spec: dict[str, Any], path: str) -> None:
    answer = api.request("POST", DRY_RUN, manifest(spec))
    assert answer.status == 422
    fields = [cause["field"] for cause in answer.body["details"]["causes"]]
    assert any(field.startswith(path) for field in fields), answer.message


@pytest.mark.parametrize("character", ["a", "漢", "\U0001f680"])
def test_the_greatest_search_is_accepted(api: Api, character: str) -> None:
    body = json.dumps(manifest(permitted(greatest_spec(character))), ensure_ascii=False).encode()
    answer = api.request("POST", DRY_RUN, body)
    assert answer.status == 201, answer.message


@pytest.mark.parametrize("character", ["a", "<", "漢", "\U0001f680"])
def test_the_greatest_executed_search_is_stored_with_its_answer(api: Api, character: str) -> None:
    greatest = permitted(greatest_spec(character))
    results = greatest.pop("results")
    name = f"executed-{ord(character)}"
    found = api.create(SEARCHES, manifest(greatest, name))
    limits = Limits(max_workflows=100, max_event_bytes=2**20)
    event = an_event({**found["spec"], "results": results}, PolicySpec(limits=limits))
    outcome = replace(an_outcome(event), executed=True)
    metadata = parse_search(found).metadata
    status = {"status": final_status(metadata, outcome, now=event.event_timestamp)}
    path = f"{SEARCHES}/{name}/status?fieldValidation=Strict"
    answer = api.request("PATCH", path, status, "application/merge-patch+json")
    assert answer.ok, answer.message
    assert answer.body["status"] == status["status"], "something was pruned"
    assert len(answer.body["status"]["results"]["workflows"]) > 10
    assert api.delete(f"{SEARCHES}/{name}").ok


EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@EXAMPLES
@given(specs())
def test_generated_searches_and_their_status_are_accepted(
    api: Api, created: dict[str, dict[str, Any]], spec: dict[str, Any]
) -> None:
    answer = api.request("POST", DRY_RUN, manifest(permitted(spec)))
    assert answer.status == 201, answer.message
    body = answer.body
    assert isinstance(parse_search(body), WorkflowSearch)
    status = {"status": final_status_of(body)}
    path = f"{SEARCHES}/rr-3/status?dryRun=All&fieldValidation=Strict"
    answer = api.request("PATCH", path, status, "application/merge-patch+json")
    assert answer.ok, answer.message
    assert answer.body["status"] == status["status"], "something was pruned"


def test_owners_are_noted_of_parts_and_not_of_each_field(api: Api) -> None:
    """Such notes would be as large as a search, and be read and written at every change."""
    greatest = manifest(permitted(greatest_spec("a")))
    found = api.request("POST", DRY_RUN, greatest).body
    path = f"{SEARCHES}/rr-dry-run?dryRun=All&fieldManager=tests"
    applied = api.request("PATCH", path, greatest, APPLY_PATCH).body
    for search in (found, applied):
        (notes,) = search["metadata"]["managedFields"]
        assert set(notes["fieldsV1"]["f:spec"]) <= {
            "f:correlationId", "f:query", "f:requestedBy", "f:results", "f:searchedAt", "f:service",
            ".",
        }  # fmt: skip
        assert notes["fieldsV1"]["f:spec"]["f:results"] == {}
