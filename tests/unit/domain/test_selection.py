"""What a reader selects by becomes parameters that the server understands."""

from datetime import UTC, date, datetime

import pytest

from workflow_audit.domain.selection import Selection, escaped, parameters
from workflow_audit.domain.selectors import field_conditions
from workflow_audit.models.query import Condition


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(Selection(), {}, id="nothing"),
        pytest.param(
            Selection(event_type="a.b"), {"fieldSelector": "metadata.name=a.b"}, id="type-as-name"
        ),
        pytest.param(Selection(event_id="x"), {"fieldSelector": "metadata.name=x"}, id="id"),
        pytest.param(
            Selection(
                correlation_id="rr", workflow="w", outcome="failure", service="s", search="n"
            ),
            {
                "fieldSelector": "correlationId=rr,workflowId=w,outcome=failure,service=s,"
                "resourceName=n"
            },
            id="several",
        ),
        pytest.param(
            Selection(outcome="success", field_selector="severity!=high,actorId=a"),
            {"fieldSelector": "outcome=success,severity!=high,actorId=a"},
            id="with-a-selector",
        ),
        pytest.param(Selection(label_selector="a in (b)"), {"labelSelector": "a in (b)"}, id="l"),
        pytest.param(
            Selection(
                day=date(2026, 11, 24),
                since=datetime(2026, 11, 1, tzinfo=UTC),
                until=datetime(2026, 12, 1, tzinfo=UTC),
            ),
            {
                "fieldSelector": "eventDate=2026-11-24",
                "since": "2026-11-01T00:00:00.000000Z",
                "until": "2026-12-01T00:00:00.000000Z",
            },
            id="time",
        ),
    ],
)
def test_parameters(selection: Selection, expected: dict[str, str]) -> None:
    assert parameters(selection) == expected


@pytest.mark.parametrize("value", ["plain", "a=b", "a,b", "a\\b", "a\\,b==c\\", "", "ä ö"])
def test_the_server_reads_what_was_meant(value: str) -> None:
    _, conditions = field_conditions(f"correlationId={escaped(value)},outcome=success")
    assert conditions == (
        Condition("correlation_id", "in", (value,)),
        Condition("event_outcome", "in", ("success",)),
    )
