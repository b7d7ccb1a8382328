"""What the API server refuses is told with its own words and a remedy."""

import pytest

from workflow_audit.cli.refusals import explained
from workflow_audit.errors import ClusterError, EventNotFoundError


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [
        pytest.param(401, "Unauthorized", "log in to the cluster again", id="unauthorized"),
        pytest.param(403, "x is forbidden", "spec.access.readers", id="forbidden"),
        pytest.param(404, "", "does not serve audit events (404)", id="no-api"),
        pytest.param(503, "", "does not serve audit events (503)", id="api-not-available"),
        pytest.param(503, "the database is away", "the database is away", id="unavailable"),
        pytest.param(400, "fieldSelector: bad", "fieldSelector: bad", id="bad-selector"),
        pytest.param(None, "", "Is the cluster up", id="no-answer"),
    ],
)
def test_explained(status: int | None, words: str, said: str) -> None:
    error = ClusterError(f"reading: {words}", status, words=words)
    assert said in str(explained(error))
    assert words in str(explained(error))
    assert not isinstance(explained(error), EventNotFoundError)


def test_an_event_that_is_not_there_has_its_own_error() -> None:
    error = explained(ClusterError("reading: x", 404, words='auditevents "x" not found'))
    assert isinstance(error, EventNotFoundError)
    assert str(error) == 'auditevents "x" not found'
