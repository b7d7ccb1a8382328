"""What the API server refuses in a policy, and by whom; with messages that name the field."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.admission.conftest import UserWith
from support.api import GROUP_PATH, MERGE_PATCH, Api
from support.catalogues import (
    BAD_URLS,
    GOOD_URLS,
    HOSTS_FOR_TOKENS,
    HOSTS_WITHOUT_TOKENS,
)
from support.searches import Searches

pytestmark = pytest.mark.cluster

POLICIES = "auditpolicies"
CLUSTER_POLICIES = "clusterauditpolicies"
STRICT = "?dryRun=All&fieldValidation=Strict"


def policy(spec: Any, kind: str = "AuditPolicy", name: str = "audit") -> dict[str, Any]:
    version = "audit.kubernaut.ai/v1alpha1"
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def reader(**fields: str) -> dict[str, Any]:
    return {"access": {"readers": [fields]}}


def patterns(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"redaction": {"patterns": [{"name": name, "regex": regex} for name, regex in pairs]}}


def hold(**fields: Any) -> dict[str, Any]:
    return {"retention": {"legalHolds": [{"name": "case-7", "reason": "court order", **fields}]}}


COMPLETE = {
    "enabled": True,
    "priority": 10,
    "selector": {
        "matchLabels": {"team": "a", "example.com/stage": "production"},
        "matchExpressions": [
            {"key": "tier", "operator": "NotIn", "values": ["test", "dev"]},
            {"key": "audited", "operator": "Exists"},
        ],
    },
    "access": {
        "readers": [
            {"kind": "Group", "name": "oidc:sre"},
            {"kind": "ServiceAccount", "name": "dash", "namespace": "mon"},
        ],
        "eventTypes": ["workflow.catalog.search_completed"],
    },
    "retention": {
        "days": 90,
        "searchTTL": "12h",
        "dryRun": True,
        "legalHolds": [
            {
                "name": "case-7",
                "reason": "court order",
                "correlationIds": ["rr-1"],
                "workflowIds": ["pod-oom"],
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-02-01T00:00:00Z",
            }
        ],
    },
    "alerts": {"enabled": True, "for": "10m", "growthBytesPerDay": "20Mi", "labels": {"p": "k8s"}},
    "dashboard": {"enabled": True, "labels": {"grafana_dashboard": "1"}},
    "scoring": {"weights": {"environment": {"boost": 0.2, "penalty": 0.1}}, "lowConfidence": 0.6},
    "redaction": {"builtin": ["email"], "patterns": [{"name": "ticket", "regex": r"\bT-\d{4}\b"}]},
    "limits": {"maxWorkflows": 5, "maxEventBytes": 16384},
}


@pytest.mark.parametrize("spec", [{}, COMPLETE], ids=["empty", "complete"])
def test_good_policies_are_taken(searches: Searches, spec: Any) -> None:
    path = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}{STRICT}"
    assert searches.api.create(path, policy(spec))
    spec = spec | {"namespaceSelector": {"matchLabels": {"stage": "production"}}}
    path = f"{GROUP_PATH}/{CLUSTER_POLICIES}{STRICT}"
    assert searches.api.create(path, policy(spec, "ClusterAuditPolicy"))


def test_defaults_are_shown(searches: Searches) -> None:
    path = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}{STRICT}"
    spec = searches.api.create(path, policy({}))["spec"]
    assert spec["enabled"] is True
    assert spec["retention"] == {"days": 2555, "searchTTL": "24h", "dryRun": False}
    assert spec["limits"] == {"maxWorkflows": 10, "maxEventBytes": 16384}
    assert spec["alerts"]["for"] == "5m"
    assert len(spec["redaction"]["builtin"]) == 9


MALFORMED: list[Any] = [
    pytest.param({"enabled": "yes"}, "spec.enabled", id="not-a-boolean"),
    pytest.param({"priority": 1001}, "spec.priority", id="priority"),
    pytest.param({"enable": False}, "spec.enable", id="unknown-field"),
    pytest.param({"selector": {"matchLabels": {"a b": "1"}}}, "spec.selector", id="label-key"),
    pytest.param({"selector": {"matchLabels": {"a": "b c"}}}, "spec.selector", id="label-value"),
    pytest.param(
        {"selector": {"matchExpressions": [{"key": "a", "operator": "in", "values": ["1"]}]}},
        "spec.selector.matchExpressions[0].operator",
        id="operator",
    ),
    pytest.param(
        {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
        "spec.selector.matchExpressions[0].values",
        id="in-without-values",
    ),
    pytest.param(
        {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["1"]}]}},
        "spec.selector.matchExpressions[0].values",
        id="exists-with-values",
    ),
    pytest.param({"namespaceSelector": {}}, "spec.namespaceSelector", id="not-of-this-kind"),
    pytest.param(reader(kind="Pod", name="a"), "spec.access.readers[0].kind", id="reader-kind"),
    pytest.param(reader(kind="User", name=""), "spec.access.readers[0].name", id="reader-name"),
    pytest.param(
        reader(kind="ServiceAccount", name="a"),
        "spec.access.readers[0].namespace",
        id="service-account-without-namespace",
    ),
    pytest.param(
        reader(kind="Group", name="a", namespace="b"),
        "spec.access.readers[0].namespace",
        id="group-with-namespace",
    ),
    pytest.param(
        {"access": {"eventTypes": ["*"]}}, "spec.access.eventTypes[0]", id="event-type-wildcard"
    ),
    pytest.param({"retention": {"days": 0}}, "spec.retention.days", id="days"),
    pytest.param({"retention": {"days": 2556}}, "spec.retention.days", id="too-many-days"),
    pytest.param({"retention": {"days": 1.5}}, "spec.retention.days", id="half-a-day"),
    pytest.param({"retention": {"searchTTL": 24}}, "spec.retention.searchTTL", id="ttl-number"),
    pytest.param({"retention": {"searchTTL": "1w"}}, "spec.retention.searchTTL", id="ttl-unit"),
    pytest.param(hold(name="Case 7"), "spec.retention.legalHolds[0].name", id="hold-name"),
    pytest.param(hold(reason=""), "spec.retention.legalHolds[0].reason", id="hold-reason"),
    pytest.param(
        hold(**{"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}),
        "spec.retention.legalHolds[0].from",
        id="hold-ends-before-it-begins",
    ),
    pytest.param(hold(**{"from": "Monday"}), "spec.retention.legalHolds[0].from", id="hold-time"),
    pytest.param({"alerts": {"for": "soon"}}, "spec.alerts.for", id="for"),
    pytest.param({"alerts": {"writeErrorRatio": 5}}, "spec.alerts.writeErrorRatio", id="ratio"),
    pytest.param(
        {"alerts": {"growthBytesPerDay": "10MB"}}, "spec.alerts.growthBytesPerDay", id="size-unit"
    ),
    pytest.param(
        {"scoring": {"weights": {"environment": {"boost": -0.1}}}},
        "spec.scoring.weights.environment.boost",
        id="negative-weight",
    ),
    pytest.param({"scoring": {"lowConfidence": 50}}, "spec.scoring.lowConfidence", id="per-cent"),
    pytest.param({"redaction": {"builtin": ["dna"]}}, "spec.redaction.builtin[0]", id="built-in"),
    pytest.param(
        patterns(("bad", "(a")), "spec.redaction.patterns[0].regex", id="unclosed-expression"
    ),
    pytest.param(
        patterns(("back", r"(a)\1")), "spec.redaction.patterns[0].regex", id="back-reference"
    ),
    pytest.param(patterns(("look", "a(?=b)")), "spec.redaction.patterns[0].regex", id="look-ahead"),
    pytest.param(
        patterns(("a", "x"), ("a", "y")), "spec.redaction.patterns[1]", id="two-of-a-name"
    ),
    pytest.param({"limits": {"maxWorkflows": 0}}, "spec.limits.maxWorkflows", id="no-workflows"),
    pytest.param({"limits": {"maxEventBytes": 8191}}, "spec.limits.maxEventBytes", id="too-small"),
    pytest.param({"limits": {"maxEventBytes": "1Ki"}}, "spec.limits.maxEventBytes", id="small"),
    pytest.param({"limits": {"maxEventBytes": "2Mi"}}, "spec.limits.maxEventBytes", id="large"),
    pytest.param({"limits": {"maxEventBytes": "16kb"}}, "spec.limits.maxEventBytes", id="unit"),
]


@pytest.mark.parametrize(("spec", "path"), MALFORMED)
def test_bad_policies_are_refused_by_field(searches: Searches, spec: Any, path: str) -> None:
    where = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}{STRICT}"
    answer = searches.api.request("POST", where, policy(spec))
    assert answer.status in {400, 422}, answer
    assert path in answer.message


def test_the_largest_policy_is_taken(searches: Searches) -> None:
    """Within etcd's limit and the budget for CEL rules."""
    numbers = range(100)
    holds = [
        {
            "name": f"case-{n}",
            "reason": "é" * 512,
            "correlationIds": [f"{m:0255}" for m in numbers],
            "workflowIds": [f"{m:0255}" for m in numbers],
        }
        for n in range(16)
    ]
    spec = {
        "selector": {
            "matchExpressions": [
                {"key": f"k{n}", "operator": "In", "values": [f"v{m}" for m in range(32)]}
                for n in range(16)
            ]
        },
        "access": {"readers": [{"kind": "User", "name": f"{n:0253}"} for n in range(64)]},
        "retention": {"legalHolds": holds},
        "redaction": {"patterns": [{"name": f"p{n}", "regex": "a" * 1024} for n in range(32)]},
        "scoring": {"weights": {f"key-{n}": {"boost": 0.1} for n in range(16)}},
    }
    where = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}"
    assert searches.api.create(where, policy(spec, name="largest"))
    assert searches.api.delete(f"{where}/largest").ok


# Who may let others read.


@pytest.fixture
def readers_policy() -> dict[str, Any]:
    return policy(reader(kind="Group", name="sre"), name="giving")


@pytest.fixture
def own_policies(searches: Searches) -> Iterator[str]:
    path = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}"
    yield path
    assert searches.api.delete(path).ok


def test_nobody_gives_rights_that_he_does_not_have(
    user_with: UserWith, own_policies: str, readers_policy: dict[str, Any]
) -> None:
    author = user_with(policies=["create", "patch"])
    answer = author.request("POST", own_policies, readers_policy)
    assert answer.status == 403
    assert "spec.access.readers: you cannot let others read what you may not" in answer.message
    assert author.create(own_policies, policy({"retention": {"days": 30}}, name="without"))
    adding = {"spec": readers_policy["spec"]}
    path = f"{own_policies}/without"
    answer = author.request("PATCH", path, adding, "application/merge-patch+json")
    assert "spec.access.readers" in answer.message


def test_a_reader_gives_what_he_has(
    user_with: UserWith, own_policies: str, readers_policy: dict[str, Any]
) -> None:
    reading = ["get", "list", "watch"]
    author = user_with(policies=["create"], searches=reading, events=reading)
    assert author.create(own_policies, readers_policy)


def test_who_changes_something_else_needs_no_right_to_read(
    api: Api, user_with: UserWith, own_policies: str, readers_policy: dict[str, Any]
) -> None:
    api.create(own_policies, readers_policy)
    author = user_with(policies=["patch"])
    days = {"spec": {"retention": {"days": 30}}}
    path = f"{own_policies}/giving"
    assert author.request("PATCH", path, days, "application/merge-patch+json").ok


# --- The catalogue of a ClusterAuditPolicy ---

TOKEN = {"secretRef": {"name": "workflow-audit-catalogue"}}


def catalogue_policy(**catalogue: Any) -> dict[str, Any]:
    return policy({"catalogue": catalogue}, "ClusterAuditPolicy", "with-catalogue")


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_good_catalogue_is_taken(searches: Searches, url: str) -> None:
    where = f"{GROUP_PATH}/{CLUSTER_POLICIES}{STRICT}"
    credentials = {} if url.startswith("http:") else {"credentials": TOKEN}
    complete = {"url": url, "timeoutSeconds": 0.5, "caBundle": "any text", **credentials}
    found = searches.api.create(where, catalogue_policy(**complete))["spec"]["catalogue"]
    assert found["url"] == url
    if credentials:
        assert found["credentials"]["secretRef"]["key"] == "token"


@pytest.mark.parametrize("url", HOSTS_FOR_TOKENS)
def test_a_token_may_go_to_the_machine_itself(searches: Searches, url: str) -> None:
    where = f"{GROUP_PATH}/{CLUSTER_POLICIES}{STRICT}"
    assert searches.api.create(where, catalogue_policy(url=url, credentials=TOKEN))


@pytest.mark.parametrize(
    ("catalogue", "path"),
    [
        *(pytest.param({"url": url}, "spec.catalogue.url", id=url) for url in BAD_URLS),
        *(
            pytest.param(
                {"url": url, "credentials": TOKEN},
                "spec.catalogue.url: Invalid value: a token may not be sent without TLS",
                id=f"token-to-{url}",
            )
            for url in HOSTS_WITHOUT_TOKENS
        ),
        pytest.param({}, "spec.catalogue.url", id="no-url"),
        pytest.param(
            {"url": "https://c", "timeoutSeconds": 6}, "spec.catalogue.timeoutSeconds", id="long"
        ),
        pytest.param(
            {"url": "https://c", "credentials": {"secretRef": {"name": "a/b"}}},
            "spec.catalogue.credentials.secretRef.name",
            id="secret-elsewhere",
        ),
        pytest.param(
            {"url": "https://c", "credentials": {"token": "x"}},
            "spec.catalogue.credentials",
            id="token-in-the-policy",
        ),
    ],
)
def test_a_bad_catalogue_is_refused_by_field(searches: Searches, catalogue: Any, path: str) -> None:
    where = f"{GROUP_PATH}/{CLUSTER_POLICIES}{STRICT}"
    answer = searches.api.request("POST", where, catalogue_policy(**catalogue))
    assert answer.status in {400, 422}, answer
    assert path in answer.message


def test_a_policy_of_a_namespace_names_no_catalogue(searches: Searches) -> None:
    where = f"{GROUP_PATH}/namespaces/{searches.namespace}/{POLICIES}{STRICT}"
    answer = searches.api.request("POST", where, policy({"catalogue": {"url": "https://c"}}))
    assert answer.status == 400
    assert 'unknown field "spec.catalogue"' in answer.message


@pytest.fixture
def cluster_policies(api: Api) -> Iterator[str]:
    yield f"{GROUP_PATH}/{CLUSTER_POLICIES}"
    assert api.delete(f"{GROUP_PATH}/{CLUSTER_POLICIES}/with-catalogue").status in {200, 404}


def elsewhere(url: str) -> dict[str, Any]:
    return {"spec": {"catalogue": {"url": url}}}


def test_nobody_has_a_token_sent_that_he_may_not_read(
    api: Api, user_with: UserWith, cluster_policies: str
) -> None:
    author = user_with(cluster_policies=["create", "patch"])
    with_token = catalogue_policy(url="https://evil.example", credentials=TOKEN)
    answer = author.request("POST", cluster_policies, with_token)
    assert answer.status == 403
    assert "spec.catalogue.credentials: you cannot have a token sent that you may not read" in (
        answer.message
    )
    assert "get on the Secret workflow-audit-catalogue in the namespace" in answer.message
    api.create(cluster_policies, catalogue_policy(url="https://good.example", credentials=TOKEN))
    path = f"{cluster_policies}/with-catalogue"
    answer = author.request("PATCH", path, elsewhere("https://evil.example"), MERGE_PATCH)
    assert answer.status == 403
    days = {"spec": {"retention": {"days": 30}}}
    assert author.request("PATCH", path, days, MERGE_PATCH).ok, "this concerns no token"


def test_without_a_token_no_right_to_secrets_is_asked_for(
    user_with: UserWith, cluster_policies: str
) -> None:
    author = user_with(cluster_policies=["create", "patch"])
    assert author.create(cluster_policies, catalogue_policy(url="https://catalogue.example"))


def test_who_may_read_the_token_names_it(user_with: UserWith, cluster_policies: str) -> None:
    author = user_with(cluster_policies=["create", "patch"], secrets=["get"])
    named = catalogue_policy(url="https://catalogue.example", credentials=TOKEN)
    assert author.create(cluster_policies, named)
    path = f"{cluster_policies}/with-catalogue"
    assert author.request("PATCH", path, elsewhere("https://new.example"), MERGE_PATCH).ok
