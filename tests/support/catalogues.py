"""What catalogues answer, searches for them, and the Secret with their token."""

from pathlib import Path
from typing import Any, Self

from support.api import Api
from support.environment import kubectl
from workflow_audit.local.environment import LocalEnvironment

Json = dict[str, Any]

MANIFEST = Path(__file__).parents[2] / "manifests" / "optional" / "catalogue.yaml"
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
