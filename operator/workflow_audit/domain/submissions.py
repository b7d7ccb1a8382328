"""A search that came by HTTP -> the same search as a resource would be.

What always holds: the same submission of the same user gives the same search at every call, so it
is one event however often it is sent; who sent it comes from the cluster and never from the body.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID, uuid5

import orjson
from pydantic import JsonValue, ValidationError

from workflow_audit.domain.characters import clean_tree
from workflow_audit.domain.events import Sender
from workflow_audit.domain.free_text import TreeRedactor
from workflow_audit.domain.instants import moment
from workflow_audit.domain.parsing import Notation, insist_on_rules, refused_field
from workflow_audit.errors import InvalidFieldError, MissingFieldError
from workflow_audit.models.search import (
    DEFAULT_SERVICE,
    Failure,
    Metadata,
    Results,
    SearchSpec,
    WorkflowSearch,
)
from workflow_audit.models.submission import CLAIMS, Submission
from workflow_audit.models.user import User

T = TypeVar("T")

MOST_AHEAD = timedelta(minutes=5)
"""How far a client's clock may be ahead of ours."""

MOST_BEHIND = timedelta(days=30)
"""How late an event may come: as long as anybody keeps what could not be sent. The day of an event
is part of its primary key, so that a key is looked for within these days only."""

NAMES = UUID("5b7f0c1e-3d0a-5e4b-9a61-7f2f4c0f6d21")
"""Names of events that come by HTTP are derived from it. Never changes: a retry has to meet its own
event, whichever version has taken the first attempt."""

AS_EVENT = Notation(
    "event_data", "total_found", "boost_breakdown", "penalty_breakdown", "give one of them"
)


@dataclass(frozen=True)
class Submitted:
    """A search that keeps all rules, and who has sent it."""

    search: WorkflowSearch
    user: User
    claims: Mapping[str, str]
    """What the body says and nobody vouches for, as text."""

    is_keyed: bool
    """Whether a key names it; otherwise its facts do, its time among them."""

    @property
    def namespace(self) -> str:
        """Where the search belongs to."""
        return self.search.metadata.namespace


def submitted_search(
    value: JsonValue, user: User, now: datetime, key: str | None = None
) -> Submitted:
    """Give the search that a body describes.

    Args:
        value: the body, of which nothing can be relied on.
        user: who has sent it.
        now: the present instant.
        key: the header's idempotency key, checked.

    Raises:
        InvalidFieldError: the first rule that it breaks; names the field.
    """
    tree, replaced = clean_tree(value)
    submission = _valid(tree)
    spec = _spec(submission, _event_time(submission, now))
    insist_on_rules(spec, AS_EVENT)
    namespace = submission.namespace or user.namespace
    if namespace is None:
        raise MissingFieldError("namespace", "name the one that the search belongs to")
    key = _agreed("idempotency_key", (submission.idempotency_key, key), "the header")
    facts = _facts(spec, namespace, user)
    name = orjson.dumps([namespace, user.name, key]) if key else facts
    metadata = Metadata(
        namespace=namespace,
        name=f"http-{blake2b(facts, digest_size=16).hexdigest()}",
        uid=uuid5(NAMES, name.decode()),
        generation=1,
        created=spec.searched_at or now,
        labels=submission.labels,
    )
    search = WorkflowSearch(metadata, spec, replaced_characters=replaced)
    return Submitted(search, user, _claims(submission), is_keyed=key is not None)


def sender_of(submitted: Submitted, redactor: TreeRedactor) -> Sender:
    """Give who is the actor of the event, and what was claimed beside it.

    Args:
        submitted: who has sent it, and what he says.
        redactor: of the applying policy.
    """
    user, claims = submitted.user, submitted.claims
    metadata = {"claimed": _redacted_claims(claims, redactor)} if claims else {}
    return Sender(user.name, "service" if user.namespace else "user", metadata)


def _valid(tree: JsonValue) -> Submission:
    if not isinstance(tree, dict):
        raise InvalidFieldError("body", tree, "is no object", "send one event as a JSON object")
    try:
        return Submission.model_validate(tree, by_alias=False, by_name=True, strict=True)
    except ValidationError as error:
        raise refused_field("", error) from None


def _event_time(submission: Submission, now: datetime) -> datetime:
    path, text = "event_timestamp", submission.event_timestamp
    at = moment(path, text)
    if at > now + MOST_AHEAD:
        minutes = MOST_AHEAD // timedelta(minutes=1)
        rule = f"is more than {minutes} minutes ahead of this server's clock"
        raise InvalidFieldError(path, text, rule, "give when the search ran; look at the clock")
    if at < now - MOST_BEHIND:
        rule = f"is more than {MOST_BEHIND.days} days ago"
        raise InvalidFieldError(path, text, rule, "give when the search ran; it comes too late")
    return at


def _spec(submission: Submission, at: datetime) -> SearchSpec:
    data = submission.event_data
    failure, results = _failure(submission), data.results
    _insist_on_outcome(submission, failure, results)
    duration = {"duration_ms": _duration_ms(submission)}
    return SearchSpec(
        correlation_id=submission.correlation_id,
        service=submission.service or DEFAULT_SERVICE,
        searched_at=at,
        query=data.query,
        results=results and results.model_copy(update=duration),
        failure=failure and failure.model_copy(update=duration),
    )


def _failure(submission: Submission) -> Failure | None:
    """Give why there is no answer, whichever of the two ways says it."""
    given, code = submission.event_data.failure, submission.error_code
    message = submission.error_message
    if given is None:
        return None if code is None else _told_failure(code, message or "")
    _agreed("error_code", (code, given.code), "event_data.failure.code")
    _agreed("error_message", (message, given.message), "event_data.failure.message")
    return given


def _told_failure(code: str, message: str) -> Failure:
    try:
        return Failure(code=code, message=message)
    except ValidationError as error:
        field = error.errors(include_url=False)[0]["loc"][0]
        raise refused_field("", error).showing(
            f"error_{field}", code if field == "code" else message
        ) from None


def _insist_on_outcome(
    submission: Submission, failure: Failure | None, results: Results | None
) -> None:
    outcome = submission.event_outcome
    if outcome == "success" and failure:
        rule = "does not agree with the failure that is given"
        raise InvalidFieldError("event_outcome", outcome, rule, "write failure, or leave it out")
    if outcome == "success" and results is None:
        raise MissingFieldError("event_data.results", "give what the catalogue answered")
    if outcome == "failure" and failure is None:
        remedy = "give it, or error_code and error_message"
        raise MissingFieldError("event_data.failure", remedy)


def _duration_ms(submission: Submission) -> int | None:
    data = submission.event_data
    told = (data.search_metadata, data.results, data.failure)
    found = (submission.duration_ms, *(each.duration_ms for each in told if each))
    return _agreed("duration_ms", found, "event_data")


def _agreed(path: str, values: tuple[T | None, ...], other: str) -> T | None:
    """Give the one value that is given in several places."""
    given = [value for value in values if value is not None]
    if any(value != given[0] for value in given):
        rule = f"is another one than in {other}"
        raise InvalidFieldError(path, given[0], rule, "give one of them, or the same twice")
    return given[0] if given else None


def _facts(spec: SearchSpec, namespace: str, user: User) -> bytes:
    """Give what tells one search from another, as JSON; of texts their lengths only.

    A digest of them is stored, and a text that was redacted could be found out by trying.
    """
    query, results, failure = spec.query, spec.results, spec.failure
    filters = sum(map(len, query.filters.values()))
    return orjson.dumps(
        [
            namespace,
            user.name,
            spec.correlation_id,
            spec.service,
            spec.searched_at,
            [len(query.text), len(query.filters), filters, query.top_k, query.min_similarity],
            results and [results.total_found, results.duration_ms, *_ranked(results)],
            failure and [failure.code, len(failure.message), failure.duration_ms],
        ]
    )


def _ranked(results: Results) -> Iterator[JsonValue]:
    for each in results.workflows:
        scoring = each.scoring
        yield each.rank
        yield each.workflow_id
        yield each.version
        yield len(each.title)
        yield len(each.labels)
        yield scoring.confidence
        yield scoring.base_similarity
        yield scoring.label_boost
        yield scoring.label_penalty


def _claims(submission: Submission) -> dict[str, str]:
    given = {name: getattr(submission, name) for name in CLAIMS}
    return {
        name: value if isinstance(value, str) else orjson.dumps(value).decode()
        for name, value in given.items()
        if value is not None
    }


def _redacted_claims(claims: Mapping[str, str], redactor: TreeRedactor) -> JsonValue:
    """Replace what must not be stored; the service is an identifier, as it is in a resource."""
    rest: JsonValue = {name: value for name, value in claims.items() if name != "service"}
    if not rest:
        return dict(claims)
    redacted, _ = redactor.redact_tree(rest)
    if "service" in claims and isinstance(redacted, dict):
        return {"service": claims["service"], **redacted}
    return redacted
