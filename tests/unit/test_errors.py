"""Errors are part of the interface: path, value, rule and remedy, and a reason in one word."""

from collections.abc import Iterator
from typing import Any

import pytest

from workflow_audit import errors
from workflow_audit.errors import (
    SHOWN_CHARACTERS,
    AuditError,
    DatabaseUnavailableError,
    InvalidFieldError,
    MissingFieldError,
    shown,
)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param(
            InvalidFieldError("spec.query.topK", 0, "is below 1", "give 1 to 100"),
            "spec.query.topK: 0 is below 1; give 1 to 100",
            id="number",
        ),
        pytest.param(
            InvalidFieldError("AUDIT_LOG_LEVEL", "LOUD", "is no level", "give INFO"),
            "AUDIT_LOG_LEVEL: 'LOUD' is no level; give INFO",
            id="text",
        ),
        pytest.param(
            MissingFieldError("event_data.results.workflows[2].scoring", "give its confidence"),
            "missing required field: scoring (event_data.results.workflows[2].scoring); "
            "give its confidence",
            id="missing",
        ),
        pytest.param(
            MissingFieldError("query", "give it"),
            "missing required field: query (query); give it",
            id="missing-at-the-top",
        ),
        pytest.param(
            DatabaseUnavailableError("no answer", retry_after_seconds=5), "no answer", id="database"
        ),
    ],
)
def test_messages(error: AuditError, message: str) -> None:
    assert str(error) == message


def test_field_errors_know_their_path() -> None:
    assert InvalidFieldError("a.b", 1, "is wrong", "mend it").path == "a.b"
    assert MissingFieldError("a.b", "give it").path == "a.b"


def test_an_unavailable_database_says_when_to_try_again() -> None:
    assert DatabaseUnavailableError("no answer", retry_after_seconds=2.5).retry_after_seconds == 2.5


def test_messages_have_a_bounded_length() -> None:
    assert len(str(InvalidFieldError("a", "x" * 1_000_000, "is wrong", "mend it"))) < 150


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("a", "'a'", id="text"),
        pytest.param(None, "None", id="nothing"),
        pytest.param("\x1b[31m\n", r"'\x1b[31m\n'", id="controls-are-escaped"),
        pytest.param("x" * 78, f"'{'x' * 78}'", id="just-fits"),
        pytest.param("x" * 79, f"'{'x' * 79}... (81 characters)", id="one-too-long"),
        pytest.param(list(range(100)), None, id="list"),
        pytest.param("\U0001f680" * 200, None, id="wide-characters"),
    ],
)
def test_shown(value: Any, text: str | None) -> None:
    if text is None:
        text = f"{repr(value)[:SHOWN_CHARACTERS]}... ({len(repr(value))} characters)"
    assert shown(value) == text


def test_shown_survives_any_depth() -> None:
    tree: list[Any] = []
    for _ in range(100_000):
        tree = [tree]
    assert shown(tree) == "a list nested too deeply to be shown"
    while tree:
        tree = tree[0]  # or Python's own clean-up would have to recurse


def classes(base: type[AuditError] = AuditError) -> Iterator[type[AuditError]]:
    yield base
    for child in base.__subclasses__():
        yield from classes(child)


REASONS = {
    "AnswerTooLongError": "AnswerTooLong",
    "AuditError": "Audit",
    "InvalidFieldError": "InvalidField",
    "MissingFieldError": "MissingField",
    "DatabaseError": "Database",
    "DatabaseUnavailableError": "DatabaseUnavailable",
    "EventRefusedError": "EventRefused",
    "SchemaBehindError": "SchemaBehind",
    "SchemaVersionError": "SchemaVersion",
    "RecordingError": "Recording",
    "PolicyError": "Policy",
    "PoliciesUnknownError": "PoliciesUnknown",
    "PolicyInvalidError": "PolicyInvalid",
    "RetentionError": "Retention",
    "VerificationError": "Verification",
    "ReadingError": "Reading",
    "CursorExpiredError": "CursorExpired",
    "EventNotFoundError": "EventNotFound",
    "ForbiddenError": "Forbidden",
    "TooManyRequestsError": "TooManyRequests",
    "UnauthenticatedError": "Unauthenticated",
    "CertificateError": "Certificate",
    "CatalogueError": "Catalogue",
    "ClusterError": "Cluster",
    "CredentialsUnknownError": "CredentialsUnknown",
    "BodyIncompleteError": "BodyIncomplete",
    "BodyTooLargeError": "BodyTooLarge",
    "BodyTooSlowError": "BodyTooSlow",
    "EventConflictError": "EventConflict",
    "IngestionBusyError": "IngestionBusy",
    "IngestionError": "Ingestion",
    "IngestionOffError": "IngestionOff",
    "NamespaceUnknownError": "NamespaceUnknown",
    "QueueFullError": "QueueFull",
    "UnsupportedBodyError": "UnsupportedBody",
    "LocalError": "Local",
}


def test_every_error_has_its_reason() -> None:
    ours = {c for c in classes() if c.__module__ == errors.__name__}
    assert {c.__name__: c.__new__(c).reason for c in ours} == REASONS


def test_the_tree_in_the_docstring_is_complete() -> None:
    tree = (errors.__doc__ or "").split("\n\n")[1]
    assert {word for word in tree.split() if word.endswith("Error")} == set(REASONS)
