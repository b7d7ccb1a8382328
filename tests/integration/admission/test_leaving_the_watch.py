"""How the real API server says that a search has left the selection: the operator relies on it."""

import pytest

from support.api import MERGE_PATCH
from support.searches import Searches, bundled_specs, search
from workflow_audit.handlers.flow import LEFT
from workflow_audit.handlers.tuning import UNRECORDED

pytestmark = pytest.mark.cluster


def test_a_search_that_is_done_leaves_with_the_line_that_is_passed_over(searches: Searches) -> None:
    assert searches.submit(search(bundled_specs()[0], "one")).ok
    version = searches.get("one")["metadata"]["resourceVersion"]
    status = {"status": {"phase": "Recorded"}}
    path = f"{searches.path}/one/status"
    assert searches.api.request("PATCH", path, status, MERGE_PATCH).ok
    watch = f"{searches.path}?watch=1&resourceVersion={version}&fieldSelector={UNRECORDED}"
    with searches.api.stream(watch) as answer:
        assert answer.status == 200
        assert next(answer.stream(1024)).startswith(LEFT)
