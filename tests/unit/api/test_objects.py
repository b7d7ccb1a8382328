"""Events look as every object of the Kubernetes API does."""

from datetime import timedelta

import orjson
import pytest

from support.golden import Golden
from unit.api.events import AT, a_stored_event
from workflow_audit.api.objects import audit_event, event_list, seconds
from workflow_audit.api.tables import COLUMNS, table
from workflow_audit.models.audit_object import AuditEventObject
from workflow_audit.models.query import Page
from workflow_audit.services.reading import Listed

NOW = AT + timedelta(hours=5)


def shown(content: object) -> str:
    return orjson.dumps(orjson.loads(orjson.dumps(content)), option=orjson.OPT_INDENT_2).decode()


def test_an_event(golden: Golden) -> None:
    golden("reading/auditevent.json", shown(audit_event(a_stored_event())) + "\n")


def test_a_list(golden: Golden) -> None:
    page = Page([a_stored_event()], has_more=True, position=77)
    listed = Listed(page, "next", remaining=1234)
    golden("reading/auditeventlist.json", shown(event_list(listed)) + "\n")


def test_a_table(golden: Golden) -> None:
    failed = a_stored_event(top_workflow_id=None, top_confidence=None, event_outcome="failure")
    shown_table = table([a_stored_event(), failed], {"resourceVersion": "77"}, "Metadata", NOW)
    golden("reading/table.json", shown(shown_table) + "\n")


def test_an_empty_table_has_its_columns() -> None:
    empty = table([], {"resourceVersion": "77"}, "Metadata", NOW)
    assert len(empty["columnDefinitions"]) == len(COLUMNS)
    assert empty["rows"] == []


@pytest.mark.parametrize(
    ("include", "keys"),
    [
        ("None", None),
        ("Metadata", {"apiVersion", "kind", "metadata"}),
        ("Object", set(audit_event(a_stored_event()))),
    ],
)
def test_how_much_stands_beside_a_row(include: str, keys: set[str] | None) -> None:
    (row,) = table([a_stored_event()], {}, include, NOW)["rows"]  # type: ignore[arg-type]
    assert (set(row["object"]) if "object" in row else None) == keys


def test_what_is_shown_is_what_the_schema_describes() -> None:
    fields = {field.alias for field in AuditEventObject.model_fields.values()}
    every = a_stored_event()
    every.columns.update({name: "x" for name, value in every.columns.items() if value is None})
    found = set(audit_event(every)) - {"apiVersion", "kind", "metadata"}
    assert found == fields


def test_a_value_that_cannot_be_a_label_is_no_label() -> None:
    event = audit_event(a_stored_event(correlation_id="x" * 64, actor_id="a b"))
    assert set(event["metadata"]["labels"]) == {
        "auditlog.kubernaut.ai/event-type",
        "auditlog.kubernaut.ai/event-outcome",
        "auditlog.kubernaut.ai/top-workflow-id",
    }


def test_a_moment_long_ago_has_four_digits_in_its_year() -> None:
    long_ago = AT.replace(year=867)
    assert seconds(long_ago).startswith("0867-")
