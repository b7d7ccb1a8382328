"""Whatever comes of a search that the operator runs, it is a fact."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from support.catalogues import ANSWER, CAMEL_ANSWER, OPEN
from unit.searches import a_search, changed
from workflow_audit import metrics
from workflow_audit.errors import FAILURE_CODES, CatalogueError, CredentialsUnknownError
from workflow_audit.models.catalogue import Catalogue, CatalogueCredentials
from workflow_audit.models.search import Metadata, WorkflowSearch
from workflow_audit.services.searching import NamedCatalogue, Searcher

NOW = datetime(2026, 11, 27, 12, 0, 0, 123456, UTC)
URL = "https://catalogue.example"
CREDENTIALS = {"secretRef": {"name": "workflow-audit-catalogue"}}


@dataclass
class World:
    """Policies, Secrets, catalogue and clock."""

    catalogue_spec: dict[str, Any] | None = field(default_factory=lambda: {"url": URL})
    answer: Any = field(default_factory=lambda: ANSWER)
    secret: str | Exception = "a token"  # noqa: S105 - made up
    asked: list[tuple[Catalogue, str | None, JsonValue]] = field(default_factory=list)
    seconds: float = 0.0

    def catalogue(self, search: Metadata) -> NamedCatalogue | None:
        if self.catalogue_spec is None:
            return None
        return NamedCatalogue("ClusterAuditPolicy/all", Catalogue(**self.catalogue_spec))

    async def token(self, credentials: CatalogueCredentials) -> str:
        if isinstance(self.secret, Exception):
            raise self.secret
        return self.secret

    async def search(
        self, catalogue: Catalogue, token: str | None, body: JsonValue
    ) -> tuple[JsonValue, int]:
        self.asked.append((catalogue, token, body))
        self.seconds += 2.0
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer, 1900

    async def answered(self, spec: Any = OPEN) -> WorkflowSearch:
        search = a_search(spec)
        assert isinstance(search, WorkflowSearch)
        searcher = Searcher(self, self, self, lambda: NOW, lambda: self.seconds)
        return await searcher.answered(search)


def requests(outcome: str) -> float:
    name = "workflow_audit_catalogue_requests_total"
    return metrics.REGISTRY.get_sample_value(name, {"outcome": outcome}) or 0


@pytest.mark.parametrize("answer", [ANSWER, CAMEL_ANSWER], ids=["first-shape", "camel-case"])
async def test_an_answer_of_either_shape_becomes_results(answer: Any) -> None:
    before = requests("success")
    search = await World(answer=answer).answered()
    results = search.spec.results
    assert results is not None
    assert (results.total_found, results.returned, results.duration_ms) == (5, 2, 1900)
    assert [w.workflow_id for w in results.workflows] == ["pod-oom-gitops", "pod-oom-manual"]
    assert search.spec.failure is None
    assert (search.executed, search.catalogue) == (True, "ClusterAuditPolicy/all")
    assert search.spec.searched_at == NOW
    assert requests("success") == before + 1


async def test_what_is_asked() -> None:
    world = World(catalogue_spec={"url": URL, "credentials": CREDENTIALS})
    await world.answered()
    ((catalogue, token, body),) = world.asked
    assert (catalogue.url, token) == (URL, "a token")
    assert body == {
        "query": "OOMKilled critical",
        "filters": {"signal-type": "OOMKilled"},
        "top_k": 2,
        "min_similarity": 0.3,
        "remediation_id": "rr-2026-001",
    }


async def test_what_was_not_asked_for_is_left_to_the_catalogue() -> None:
    world = World()
    await world.answered({"correlationId": "rr-1", "query": {"text": "a"}})
    ((_, token, body),) = world.asked
    assert token is None
    assert body == {"query": "a", "filters": {}, "top_k": 10, "remediation_id": "rr-1"}


async def test_the_time_is_that_of_the_search_and_not_what_somebody_said() -> None:
    search = await World().answered(OPEN | {"searchedAt": "2020-01-01T00:00:00Z"})
    assert search.spec.searched_at == NOW


async def test_characters_that_cannot_be_stored_are_replaced_and_counted() -> None:
    answer = changed(ANSWER, ("workflows", 0, "workflow", "title"), "a\x00b\x00")
    search = await World(answer=answer).answered()
    assert search.spec.results is not None
    assert search.spec.results.workflows[0].title == "a\ufffdb\ufffd"
    assert search.replaced_characters == 2


TIMEOUT = CatalogueError("CatalogueTimeout", f"{URL} did not answer within 5 s; look")


@pytest.mark.parametrize(
    ("world", "code", "message", "duration_ms"),
    [
        pytest.param(
            World(answer=TIMEOUT), "CatalogueTimeout", str(TIMEOUT), 2000, id="no-answer-in-time"
        ),
        pytest.param(
            World(answer={"workflows": [{"workflow_id": "x", "final_score": 7}]}),
            "MalformedResponse",
            "answer.workflows[0].final_score: 7 is refused: ",
            2000,
            id="malformed",
        ),
        pytest.param(
            World(answer=[1]), "MalformedResponse", "answer: [1] is no JSON object", 2000, id="list"
        ),
        pytest.param(
            World(catalogue_spec=None),
            "CatalogueNotConfigured",
            "no ClusterAuditPolicy that selects this search has a spec.catalogue; give one",
            0,
            id="no-catalogue",
        ),
        pytest.param(
            World(
                catalogue_spec={"url": URL, "credentials": CREDENTIALS},
                secret=CatalogueError("CatalogueCredentialsMissing", "Secret a/b is not there; go"),
            ),
            "CatalogueCredentialsMissing",
            "Secret a/b is not there; go",
            0,
            id="no-token",
        ),
    ],
)
async def test_failures(world: World, code: str, message: str, duration_ms: int) -> None:
    before = requests(code)
    search = await world.answered()
    failure = search.spec.failure
    assert failure is not None
    assert failure.code == code
    assert code in FAILURE_CODES
    assert failure.message.startswith(message)
    assert failure.duration_ms == duration_ms
    assert search.spec.results is None
    assert search.executed
    assert search.catalogue == (world.catalogue_spec and "ClusterAuditPolicy/all")
    assert requests(code) == before + 1


async def test_a_search_waits_while_its_token_is_not_known() -> None:
    world = World(
        catalogue_spec={"url": URL, "credentials": CREDENTIALS},
        secret=CredentialsUnknownError("the API server does not answer"),
    )
    with pytest.raises(CredentialsUnknownError):
        await world.answered()
    assert world.asked == []


async def test_a_mistake_of_ours_is_no_endless_search(caplog: pytest.LogCaptureFixture) -> None:
    search = await World(answer=KeyError("token=hunter2demo")).answered()
    assert search.spec.failure is not None
    assert search.spec.failure.code == "SearchFailed"
    assert search.spec.failure.message.startswith("KeyError at test_searching.py:")
    assert "hunter2demo" not in search.spec.failure.message + caplog.text
