"""Run a search that came without an answer, and give it with one.

What always holds:
- Whatever comes of it is a fact: results, or a failure with a code, never an error.
- Only what says how to search is waited for: the policies, and the token in its Secret.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from workflow_audit import metrics
from workflow_audit.domain.catalogue_answer import catalogue_results
from workflow_audit.domain.characters import clean_tree
from workflow_audit.errors import CatalogueError, InvalidFieldError, PolicyError
from workflow_audit.models.catalogue import Catalogue, CatalogueCredentials
from workflow_audit.models.search import Failure, Metadata, SearchSpec, WorkflowSearch
from workflow_audit.services.mistakes import told

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NamedCatalogue:
    """The catalogue for a search, and the policy that says so."""

    policy: str
    catalogue: Catalogue


class Catalogues(Protocol):
    """Says which catalogue is meant for a search."""

    def catalogue(self, search: Metadata) -> NamedCatalogue | None:
        """Give it; None where no policy names one.

        Raises:
            PolicyError: the policy that may name one cannot be used.
        """
        ...


class Tokens(Protocol):
    """Says by what a catalogue knows the operator."""

    async def token(self, credentials: CatalogueCredentials) -> str:
        """Give the token.

        Raises:
            CatalogueError: there is none.
            CredentialsUnknownError: it is not known now.
        """
        ...


class CatalogueClient(Protocol):
    """Asks a catalogue."""

    async def search(
        self, catalogue: Catalogue, token: str | None, body: JsonValue
    ) -> tuple[JsonValue, int]:
        """Give the answer and how many milliseconds it took.

        Raises:
            CatalogueError: there is none.
        """
        ...


@dataclass(frozen=True)
class Searcher:
    """Runs searches."""

    catalogues: Catalogues
    tokens: Tokens
    client: CatalogueClient
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]

    async def answered(self, search: WorkflowSearch) -> WorkflowSearch:
        """Give the search with results or a failure, and with the time at which it was run.

        Raises:
            PolicyError: it is not known how to search; the search waits.
        """
        searched_at, began = self.clock(), self.monotonic()
        named = self.catalogues.catalogue(search.metadata)
        try:
            answered, outcome = await self._asked(search, named), "success"
        except PolicyError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the search is not run for ever
            failure = _failure(search, error, self.monotonic() - began)
            spec = search.spec.model_copy(update={"failure": failure})
            answered, outcome = replace(search, spec=spec), failure.code
        metrics.CATALOGUE_REQUESTS.labels(outcome).inc()
        metrics.CATALOGUE_DURATION.observe(self.monotonic() - began)
        spec = answered.spec.model_copy(update={"searched_at": searched_at})
        policy = named.policy if named else None
        return replace(answered, spec=spec, executed=True, catalogue=policy)

    async def _asked(self, search: WorkflowSearch, named: NamedCatalogue | None) -> WorkflowSearch:
        if named is None:
            raise CatalogueError(
                "CatalogueNotConfigured",
                "no ClusterAuditPolicy that selects this search has a spec.catalogue; give one its"
                " url, or submit searches with their results",
            )
        query, catalogue = search.spec.query, named.catalogue
        token = None
        if catalogue.credentials:
            token = await self.tokens.token(catalogue.credentials)
        raw, duration_ms = await self.client.search(catalogue, token, request(search.spec))
        answer, replaced = clean_tree(raw)
        try:
            results = catalogue_results(answer, duration_ms=duration_ms, filters=query.filters)
        except InvalidFieldError as error:
            raise CatalogueError("MalformedResponse", str(error)) from None
        spec = search.spec.model_copy(update={"results": results})
        replaced += search.replaced_characters
        return replace(search, spec=spec, replaced_characters=replaced)


def _failure(search: WorkflowSearch, error: Exception, seconds: float) -> Failure:
    if not isinstance(error, CatalogueError):
        mistake = told(error)
        fields = {"namespace": search.metadata.namespace, "search": search.metadata.name}
        log.error("a search could not be run: %s", mistake, extra=fields)
        error = CatalogueError("SearchFailed", f"{mistake}; this is a mistake of the operator")
    return Failure(code=error.code, message=str(error), duration_ms=round(seconds * 1000))


def request(spec: SearchSpec) -> JsonValue:
    """Give what the catalogue is asked, in the words of its interface."""
    query = spec.query
    asked: dict[str, JsonValue] = {
        "query": query.text,
        "filters": dict(query.filters),
        "top_k": query.top_k,
        "remediation_id": spec.correlation_id,
    }
    if query.min_similarity is not None:
        asked["min_similarity"] = query.min_similarity
    return asked
