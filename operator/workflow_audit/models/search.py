"""WorkflowSearch: one request to the workflow catalogue and its answer, as a resource.

Bounds keep the largest search that passes below etcd's limit of 1.5 MiB, and within the API
server's budget for CEL rules. A character takes up to six bytes (as `<` does, in JSON as Go writes
it), and managed fields and status come on top: a test stores the largest one and its status.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.base import ATOMIC, KEY_RULE, Fraction, Model, cel_rules
from workflow_audit.models.scoring import Scoring

MAX_WORKFLOWS = 100
MAX_FILTERS = 16
MAX_LABELS = 12

DEFAULT_SERVICE = "holmesgpt-api"
"""The program that searches where none is named."""

Filters = Annotated[
    dict[str, Annotated[str, Field(max_length=128)]],
    Field(max_length=MAX_FILTERS, json_schema_extra=KEY_RULE),
]
Labels = Annotated[
    dict[str, Annotated[str, Field(max_length=63)]],
    Field(max_length=MAX_LABELS, json_schema_extra=KEY_RULE),
]


class Query(Model):
    """What was asked of the catalogue."""

    model_config = ConfigDict(json_schema_extra=ATOMIC)

    text: str = Field(max_length=8192)
    """What the agent looked for, in its own words. Personal data and secrets are replaced before
    anything is stored."""

    filters: Filters = Field(default_factory=dict)
    """Labels that were asked for, by key, such as `signal-type: OOMKilled`."""

    top_k: int = Field(10, ge=1, le=100)
    """Most workflows that the answer may list."""

    min_similarity: Fraction | None = None
    """Least base similarity that was asked for."""


class FoundWorkflow(Model):
    """One workflow that the catalogue found, with its rank and scoring."""

    workflow_id: str = Field(min_length=1, max_length=128)
    """Identifier of the workflow in the catalogue."""

    version: str = Field("", max_length=64)
    """Version of the workflow, such as `v1.0.0`."""

    title: str = Field("", max_length=200)
    """Name of the workflow for people."""

    rank: int = Field(ge=1, le=MAX_WORKFLOWS)
    """Place in the answer; 1 is the winner, without gaps."""

    labels: Labels = Field(default_factory=dict)
    """Labels of the workflow; `*` stands for any value."""

    scoring: Scoring
    """How the catalogue came to its confidence."""


class Results(Model):
    """What the catalogue answered."""

    model_config = ConfigDict(
        json_schema_extra=ATOMIC
        | cel_rules(
            (
                "self.returned <= self.totalFound",
                "returned must not be above totalFound",
                ".returned",
            ),
            (
                "self.returned == (has(self.workflows) ? size(self.workflows) : 0)",
                "returned must be the number of workflows listed",
                ".returned",
            ),
            (
                "!has(self.workflows) || self.workflows.all(w, w.rank <= self.returned)",
                "ranks must go from 1 to returned without gaps",
                ".workflows",
            ),
        )
    )

    total_found: int = Field(ge=0, le=2**31 - 1)
    """Workflows above the threshold, listed or not."""

    returned: int = Field(ge=0, le=MAX_WORKFLOWS)
    """Workflows that the answer lists; the length of `workflows`."""

    duration_ms: int | None = Field(None, ge=0, le=2**31 - 1)
    """How long the catalogue took, in whole milliseconds."""

    workflows: list[FoundWorkflow] = Field(
        default_factory=list,
        max_length=MAX_WORKFLOWS,
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["rank"],
        },
    )
    """The workflows listed, each rank once."""


class Failure(Model):
    """Why there is no answer."""

    model_config = ConfigDict(json_schema_extra=ATOMIC)

    code: str = Field(
        min_length=1, max_length=50, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"
    )
    """Reason in one word, such as `CatalogueTimeout`; shown as the reason of the condition
    `Searched`."""

    message: str = Field("", max_length=4096)
    """What happened, for people. Personal data and secrets are replaced before anything is
    stored."""

    duration_ms: int | None = Field(None, ge=0, le=2**31 - 1)
    """How long it took to fail, in whole milliseconds; a time-out takes its time too."""


class SearchSpec(Model):
    """One request and its answer, a fact that never changes.

    With neither results nor failure the operator runs the search, and answers in `status.results`.
    """

    model_config = ConfigDict(
        json_schema_extra=cel_rules(
            (
                "!(has(self.results) && has(self.failure))",
                "give either results or failure, or neither to have the operator search",
            ),
        )
    )

    correlation_id: str = Field(min_length=1, max_length=255)
    """Name of the remediation request that the search serves, such as `rr-2026-001`; it joins
    everything that happened for it."""

    service: str = Field(DEFAULT_SERVICE, min_length=1, max_length=255)
    """Program that ran the search."""

    searched_at: AwareDatetime | None = None
    """When the search ran by the searcher's own clock. Kept in the event's search_metadata; the
    event's own time is the creation of this object."""

    requested_by: str | None = Field(None, max_length=1024)
    """User who created this object, as the API server saw it. Set by the cluster; a given value
    is overwritten."""

    query: Query
    """What was asked of the catalogue."""

    results: Results | None = None
    """What the catalogue answered. With neither results nor failure the operator runs the search,
    and shows the answer in status.results."""

    failure: Failure | None = None
    """Why there is no answer."""

    @property
    def is_open(self) -> bool:
        """Tell whether the search has no answer yet, so that the operator is to run it."""
        return self.results is None and self.failure is None


@dataclass(frozen=True)
class Metadata:
    """What the API server says of an object; but for the labels, none of it ever changes."""

    namespace: str
    name: str
    uid: UUID
    generation: int
    created: datetime
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class WorkflowSearch:
    """A search that keeps all rules."""

    metadata: Metadata
    spec: SearchSpec
    replaced_characters: int = 0
    """Characters that PostgreSQL refuses in JSON and that became U+FFFD."""

    executed: bool = False
    """Whether the operator ran the search; otherwise the answer came with it."""

    catalogue: str | None = None
    """Policy whose catalogue the operator asked, such as `ClusterAuditPolicy/default`."""


@dataclass(frozen=True)
class InvalidSearch:
    """A search that breaks a rule which the API server did not enforce; a fact too.

    `finding` says what is wrong; it repeats a value, and `submitted` is the spec as it came.
    """

    metadata: Metadata
    correlation_id: str
    service: str
    requested_by: str | None
    finding: InvalidFieldError
    submitted: JsonValue

    @property
    def path(self) -> str:
        """Where the rule is broken."""
        return self.finding.path

    @property
    def message(self) -> str:
        """What is wrong, and what to write instead."""
        return str(self.finding)


Search = WorkflowSearch | InvalidSearch
