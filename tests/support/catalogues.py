"""What catalogues answer, searches for them, and the Secret with their token."""

from pathlib import Path
from typing import Any, Self

from support.api import Api
from support.condition_rules import broken_condition_rules, condition_of
from support.environment import kubectl
from support.searches import Searches
from workflow_audit.local.environment import LocalEnvironment

Json = dict[str, Any]

MANIFEST = (
    Path(__file__).parents[2] / "manifests" / "components" / "catalogue-token" / "rights.yaml"
)
SECRET_NAME = "workflow-audit-catalogue"  # noqa: S105 - a name
TOKEN = "made-up-token-of-the-catalogue"  # noqa: S105 - made up

OPEN: Json = {
    "correlationId": "rr-2026-001",
    "query": {
        "text": "OOMKilled critical",
        "filters": {"signal-type": "OOMKilled"},
        "topK": 2,
        "minSimilarity": 0.3,
    },
}
"""A search without an answer."""

_SCORES = {
    "pod-oom-gitops": {"base": 0.8, "boost": 0.18, "penalty": 0.0, "final": 0.98},
    "pod-oom-manual": {"base": 0.5, "boost": 0.0, "penalty": 0.1, "final": 0.4},
}

ANSWER: Json = {
    "workflows": [
        {
            "workflow": {
                "workflow_id": name,
                "version": "v1.0.0",
                "title": f"About {name}",
                "labels": {"signal-type": "OOMKilled"},
            },
            "base_similarity": score["base"],
            "label_boost": score["boost"],
            "label_penalty": score["penalty"],
            "final_score": score["final"],
            "rank": rank,
        }
        for rank, (name, score) in enumerate(_SCORES.items(), 1)
    ],
    "total_results": 5,
}
"""What a catalogue answers, in the first shape."""

CAMEL_ANSWER: Json = {
    "workflows": [
        {
            "workflowId": name,
            "version": "v1.0.0",
            "title": f"About {name}",
            "labels": {"signal-type": "OOMKilled"},
            "baseSimilarity": score["base"],
            "labelBoost": score["boost"],
            "labelPenalty": score["penalty"],
            "finalScore": score["final"],
            "rank": rank,
        }
        for rank, (name, score) in enumerate(_SCORES.items(), 1)
    ],
    "totalResults": 5,
}
"""The same in the later shape."""

GOOD_URLS = [
    "https://catalogue.example",
    "https://catalogue.example/",
    "https://catalogue.example:8443/of/team-a",
    "http://catalogue.workflows.svc:8080",
    "https://127.0.0.1:8443",
    "https://[::1]:8443/x",
]
BAD_URLS = [
    "",
    "catalogue.example",
    "ftp://catalogue.example",
    "https://",
    "https:///path",
    "https://user:password@catalogue.example",
    "https://catalogue.example?token=x",
    "https://catalogue.example/#there",
    "https://catalogue.example/a b",
    "https://catalogue.example:99999",
    "https://catalogue.example:0",
    "https://:8443",
    "https://[::1",
]
HOSTS_FOR_TOKENS = ["http://localhost:8099", "http://127.0.0.1:8099", "http://[::1]:8099"]
HOSTS_WITHOUT_TOKENS = [
    "http://catalogue.example",
    "http://localhost.example",
    "http://127.0.0.1.example",
    "http://10.0.0.1",
]


class CatalogueSecret:
    """The Secret with the token, and the right of the operator to get it; both go at the end."""

    PATH = "/api/v1/namespaces/workflow-audit/secrets"

    def __init__(self, api: Api, environment: LocalEnvironment) -> None:
        self._api, self._environment = api, environment

    def __enter__(self) -> Self:
        kubectl(self._environment, "apply", "--server-side", "-f", str(MANIFEST))
        self.set(token=TOKEN)
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()
        kubectl(self._environment, "delete", "-f", str(MANIFEST))

    @property
    def reference(self) -> Json:
        """Give it as a policy names it."""
        return {"secretRef": {"name": SECRET_NAME, "key": "token"}}

    def set(self, **entries: str) -> None:
        """Give it exactly these entries."""
        self.remove()
        metadata = {"name": SECRET_NAME}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": entries}
        self._api.create(self.PATH, body)

    def remove(self) -> None:
        """Remove it, if it is there."""
        self._api.delete(f"{self.PATH}/{SECRET_NAME}")


def ready(searches: Searches, name: str) -> Json:
    """Wait for a search as people do, hold it against its one row, and give it."""
    kubectl(
        searches.environment,
        *("wait", "--for=condition=Ready", f"workflowsearch/{name}", "-n", searches.namespace),
        "--timeout=45s",
    )
    found = searches.get(name)
    assert broken_condition_rules(found) == []
    assert_says_what_its_event_says(found, searches.row(name))
    return found


def assert_says_what_its_event_says(found: Json, row: Json) -> None:
    """Hold the status of a search against its event."""
    status, results = found["status"], found["status"].get("results")
    assert status["eventId"] == str(row["event_id"])
    assert status["outcome"] == row["event_outcome"]
    assert status["policy"] == row["event_metadata"]["policy"]
    searched = condition_of(found, "Searched")
    if row["event_outcome"] == "failure":
        assert (searched["reason"], results) == (row["error_code"], None)
    elif "catalogue" in row["event_metadata"]:
        stored = row["event_data"]["results"]
        assert (results["totalFound"], results["returned"], results["durationMs"]) == (
            stored["total_found"],
            stored["returned"],
            row["duration_ms"],
        )
        for shown, kept in zip(results["workflows"], stored["workflows"], strict=True):
            assert (shown["workflowId"], shown["title"]) == (kept["workflow_id"], kept["title"])
            assert shown.get("labels", {}) == kept["labels"]
            assert shown["scoring"]["confidence"] == kept["scoring"]["confidence"]
        assert status["summary"]["topWorkflow"] == row["top_workflow_id"]
