"""Every error has its answer, in both shapes; mistakes of ours tell nothing."""

import pytest
from starlette.exceptions import HTTPException

from workflow_audit import errors
from workflow_audit.api.problems import answer_to, problem, status
from workflow_audit.models.rest import Problem

PATH = "/api/v1/audit/events"


@pytest.mark.parametrize(
    ("error", "code", "slug", "field"),
    [
        (errors.InvalidFieldError("limit", 0, "is 0", "give 1"), 400, "validation-error", "limit"),
        (errors.UnauthenticatedError("who?"), 401, "authentication-failed", None),
        (errors.ForbiddenError("no", "ask"), 403, "forbidden", None),
        (errors.EventNotFoundError("none"), 404, "not-found", None),
        (HTTPException(404), 404, "not-found", None),
        (HTTPException(405), 405, "method-not-allowed", None),
        (errors.CursorExpiredError("cursor"), 410, "cursor-expired", "cursor"),
        (errors.TooManyRequestsError("slow", 3, "rate"), 429, "too-many-requests", None),
        (errors.DatabaseUnavailableError("away", 3), 503, "service-unavailable", None),
        (errors.SchemaVersionError("old"), 503, "service-unavailable", None),
        (errors.ClusterError("away"), 503, "service-unavailable", None),
        (RuntimeError("password=x"), 500, "internal-error", None),
        (errors.RecordingError("y"), 500, "internal-error", None),
        (HTTPException(418), 500, "internal-error", None),
    ],
    ids=repr,
)
def test_answers(error: Exception, code: int, slug: str, field: str | None) -> None:
    found = problem(error, PATH)
    assert found["type"] == f"https://kubernaut.ai/problems/{slug}"
    assert (found["status"], found.get("field"), found["instance"]) == (code, field, PATH)
    assert Problem.model_validate(found, extra="forbid").title
    assert answer_to(error).code == status(error)["code"] == code


def test_mistakes_tell_nothing() -> None:
    for shown in (problem(RuntimeError("password=x"), PATH), status(RuntimeError("password=x"))):
        assert "password" not in str(shown)


def test_who_may_not_is_told_how_he_could() -> None:
    error = errors.ForbiddenError("no list in payments", "bind the role")
    assert problem(error, PATH)["detail"] == "no list in payments; bind the role"
    assert status(error)["message"] == "no list in payments", "in the API server's own words"


def test_a_path_is_no_text_of_ours() -> None:
    assert problem(HTTPException(404), '/api/"<ä>')["instance"] == "/api/%22%3C%C3%A4%3E"


def test_who_asks_too_much_is_told_in_whole_seconds_when_to_ask_again() -> None:
    error = errors.TooManyRequestsError("too many requests", 1.2, "rate")
    assert status(error)["reason"] == "TooManyRequests"
    assert status(error)["details"] == {"retryAfterSeconds": 2}
