"""Selectors mean what kubectl's users expect, and what cannot be understood is named."""

import contextlib
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_audit.domain.selectors import (
    LABELS,
    LONGEST_SELECTOR,
    field_conditions,
    label_conditions,
    named,
    selected_names,
)
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.query import Condition

OUTCOME = "auditlog.kubernaut.ai/event-outcome"
WORKFLOW = "auditlog.kubernaut.ai/top-workflow-id"
ID = "6f1f2d3c-1111-5222-8333-944455566677"
TYPE = "workflow.catalog.search_completed"


@pytest.mark.parametrize(
    ("selector", "conditions"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param(f"{OUTCOME}=failure", [("event_outcome", "in", "failure")], id="equal"),
        pytest.param(f"{OUTCOME} == failure", [("event_outcome", "in", "failure")], id="spaces"),
        pytest.param(f"{OUTCOME}!=failure", [("event_outcome", "not-in", "failure")], id="not"),
        pytest.param(
            f"{WORKFLOW} in (a, b),{OUTCOME}=success",
            [("top_workflow_id", "in", "a", "b"), ("event_outcome", "in", "success")],
            id="a-comma-between-brackets",
        ),
        pytest.param(f"{WORKFLOW} notin (a)", [("top_workflow_id", "not-in", "a")], id="notin"),
        pytest.param(WORKFLOW, [("top_workflow_id", "exists")], id="exists"),
        pytest.param(f"!{WORKFLOW}", [("top_workflow_id", "missing")], id="missing"),
        pytest.param(f"{WORKFLOW}=", [("top_workflow_id", "in", "")], id="empty-value"),
    ],
)
def test_label_selectors(selector: str, conditions: list[tuple[str, ...]]) -> None:
    expected = tuple(Condition(field, test, tuple(v)) for field, test, *v in conditions)  # type: ignore[arg-type]
    assert label_conditions(selector) == expected


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        pytest.param("team=a", "'team' is no label of audit events", id="unknown-label"),
        pytest.param("a=b=c", "is no label key", id="two-signs"),
        pytest.param(f"{WORKFLOW} in (a", "is no label key", id="open-bracket"),
        pytest.param(f"{OUTCOME}=a,", "'' is no label key", id="nothing-behind-the-comma"),
        pytest.param(f"{WORKFLOW} in (a;drop)", "'a;drop' is no label value", id="no-value"),
        pytest.param(f"{OUTCOME}={'x' * 64}", "is no label value", id="long-value"),
        pytest.param("x" * (LONGEST_SELECTOR + 1), "is too long", id="long"),
        pytest.param(f"{WORKFLOW} in ({','.join('a' * 65)})", "are too many", id="many-values"),
        pytest.param("é=1", "is no label key", id="letters-of-others"),
    ],
)
def test_label_selectors_that_are_refused(selector: str, message: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"^labelSelector: ") as caught:
        label_conditions(selector)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("selector", "namespace", "conditions"),
    [
        pytest.param("", None, [], id="nothing"),
        pytest.param(
            "correlationId=rr-1", None, [Condition("correlation_id", "in", ("rr-1",))], id="equal"
        ),
        pytest.param(
            "outcome!=success,service==holmesgpt-api",
            None,
            [
                Condition("event_outcome", "not-in", ("success",)),
                Condition("actor_id", "in", ("holmesgpt-api",)),
            ],
            id="short-names",
        ),
        pytest.param("metadata.namespace=team-a", "team-a", [], id="namespace"),
        pytest.param(
            "eventDate=2026-11-24",
            None,
            [Condition("event_date", "in", (date(2026, 11, 24),))],
            id="date",
        ),
        pytest.param(
            r"workflowId=a\,b\=c\\d",
            None,
            [Condition("top_workflow_id", "in", (r"a,b=c\d",))],
            id="escaped",
        ),
        pytest.param(
            f"metadata.name={ID}", None, [Condition("event_id", "in", (UUID(ID),))], id="name"
        ),
        pytest.param(
            "metadata.name=workflow.catalog.search_completed",
            None,
            [Condition("event_type", "in", ("workflow.catalog.search_completed",))],
            id="type-as-name",
        ),
    ],
)
def test_field_selectors(selector: str, namespace: str | None, conditions: list[Condition]) -> None:
    assert field_conditions(selector) == (namespace, tuple(conditions))


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        pytest.param("spec.x=1", "'spec.x' cannot be selected by; there are", id="unknown-field"),
        pytest.param("metadata.namespace!=a", "cannot be selected by", id="other-namespaces"),
        pytest.param("correlationId", "is no condition", id="no-sign"),
        pytest.param("eventDate=yesterday", "'yesterday' is no date", id="no-date"),
        pytest.param("correlationId=a\0b", "has a zero byte", id="zero-byte"),
        pytest.param("correlationId=a\\", "has a lonely backslash", id="backslash"),
        pytest.param("x" * (LONGEST_SELECTOR + 1), "is too long", id="long"),
    ],
)
def test_field_selectors_that_are_refused(selector: str, message: str) -> None:
    with pytest.raises(InvalidFieldError, match=r"^fieldSelector") as caught:
        field_conditions(selector)
    assert message in str(caught.value)


@given(st.text(max_size=200))
def test_no_text_is_anything_but_understood_or_refused(text: str) -> None:
    for parse in (label_conditions, field_conditions):
        with contextlib.suppress(InvalidFieldError):
            parse(text)


@given(
    st.dictionaries(
        st.sampled_from(sorted(LABELS)), st.from_regex(r"[a-z0-9]{1,63}", fullmatch=True)
    )
)
def test_what_kubectl_writes_is_understood(labels: dict[str, str]) -> None:
    conditions = label_conditions(",".join(f"{key}={value}" for key, value in labels.items()))
    assert {(c.field, *c.values) for c in conditions} == {
        (LABELS[key], value) for key, value in labels.items()
    }


def test_a_name_is_an_id_or_a_type() -> None:
    assert named(ID).field == "event_id"
    assert named("workflow.catalog.search_completed", negated=True) == Condition(
        "event_type", "not-in", ("workflow.catalog.search_completed",)
    )


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("", ()),
        (f"metadata.name={TYPE}", (TYPE,)),
        (f"eventType={TYPE}", (TYPE,)),
        (f"metadata.name!={TYPE}", ()),
        (f"metadata.name={ID}", (ID,)),
        (f"eventId={ID}", (ID,)),
        (f"eventType={TYPE},metadata.name={ID}", (ID, TYPE)),
        (f"metadata.name={TYPE},eventId={ID}", (ID, TYPE)),
        (f"metadata.name={TYPE},eventId!={ID}", (TYPE,)),
        (rf"correlationId=a\,metadata.name={TYPE}", ()),
        (rf"metadata.name={TYPE}\,x", (f"{TYPE},x",)),
    ],
)
def test_rights_are_asked_for_what_is_read(selector: str, names: tuple[str, ...]) -> None:
    assert selected_names(field_conditions(selector)[1]) == names
