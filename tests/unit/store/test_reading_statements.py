"""Which queries an index answers alone."""

import pytest

from workflow_audit.models.query import Condition, EventQuery
from workflow_audit.store.reading_statements import has_an_index_alone

WORKFLOW = Condition("top_workflow_id", "in", ("x",))
TYPE = Condition("event_type", "in", ("x",))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery(), True),
        (EventQuery("payments"), True),
        (EventQuery(conditions=(WORKFLOW,)), True),
        (EventQuery(conditions=(TYPE,)), True),
        (EventQuery("payments", (WORKFLOW,)), False),
        (EventQuery(conditions=(TYPE, WORKFLOW)), False),
        (EventQuery(conditions=(Condition("event_type", "in", ("x", "y")),)), False),
        (EventQuery(conditions=(Condition("event_type", "not-in", ("x",)),)), False),
        (EventQuery(conditions=(Condition("top_workflow_id", "missing"),)), False),
        (EventQuery(conditions=(Condition("event_outcome", "in", ("failure",)),)), False),
    ],
    ids=str,
)
def test_what_needs_no_look_at_an_event(query: EventQuery, expected: bool) -> None:
    assert has_an_index_alone(query) == expected
