"""Label and field selectors, as kubectl sends them, become conditions on columns.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api and
https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.auditlog import GROUP
from workflow_audit.models.query import Condition, Field, Value
from workflow_audit.models.selector import LABEL, LABEL_VALUE

LONGEST_SELECTOR = 4096
MOST_VALUES = 64

LABELS: Mapping[str, Field] = {
    f"{GROUP}/event-type": "event_type",
    f"{GROUP}/event-outcome": "event_outcome",
    f"{GROUP}/actor-id": "actor_id",
    f"{GROUP}/correlation-id": "correlation_id",
    f"{GROUP}/top-workflow-id": "top_workflow_id",
}
"""Labels that events have, and the columns behind them."""

FIELDS: Mapping[str, Field] = {
    "metadata.name": "event_id",
    "eventId": "event_id",
    "eventDate": "event_date",
    "eventType": "event_type",
    "eventCategory": "event_category",
    "eventAction": "event_action",
    "eventOutcome": "event_outcome",
    "outcome": "event_outcome",
    "actorId": "actor_id",
    "service": "actor_id",
    "resourceName": "resource_name",
    "correlationId": "correlation_id",
    "severity": "severity",
    "topWorkflowId": "top_workflow_id",
    "workflowId": "top_workflow_id",
}
"""Fields that can be selected by; some have a short name too."""

NAMESPACE_FIELD = "metadata.namespace"

_LABEL, _LABEL_VALUE = re.compile(LABEL), re.compile(LABEL_VALUE)
_SET = re.compile(r"^(?P<key>\S+)\s+(?P<test>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^!=\s]+)\s*(?P<test>==|=|!=)\s*(?P<value>[^!=\s]*)$")
_COMMA = re.compile(r",(?![^(]*\))")
"""One that is not between brackets."""

_FIELD = re.compile(r"^(?P<key>[^!=]+)(?P<test>==|=|!=)(?P<value>.*)$", re.DOTALL)
_ESCAPED = re.compile(r"(?:[^\\]|\\[\\,=])*", re.DOTALL)
_FIELD_PARTS = re.compile(r"(?:[^,\\]|\\.)+", re.DOTALL)


def label_conditions(selector: str) -> tuple[Condition, ...]:
    """Give the conditions of a label selector.

    Raises:
        InvalidFieldError: names `labelSelector` and what is wrong with it.
    """
    if not selector.strip():
        return ()
    _check_length("labelSelector", selector)
    return tuple(_label_condition(part.strip()) for part in _COMMA.split(selector))


def _label_condition(part: str) -> Condition:
    if found := _SET.match(part):
        values = tuple(value.strip() for value in found["values"].split(","))
        return _labelled(found["key"], "in" if found["test"] == "in" else "not-in", values)
    if found := _EQUAL.match(part):
        test: str = "not-in" if found["test"] == "!=" else "in"
        return _labelled(found["key"], test, (found["value"],))
    missing = part.startswith("!")
    return _labelled(part.removeprefix("!").strip(), "missing" if missing else "exists", ())


def _labelled(key: str, test: str, values: tuple[str, ...]) -> Condition:
    if not _LABEL.match(key):
        raise InvalidFieldError(
            "labelSelector", key, "is no label key", "write key=value, key in (a, b), key or !key"
        )
    field = LABELS.get(key)
    if field is None:
        raise InvalidFieldError(
            "labelSelector", key, "is no label of audit events", f"there are {', '.join(LABELS)}"
        )
    if len(values) > MOST_VALUES:
        remedy = f"give at most {MOST_VALUES}"
        raise InvalidFieldError("labelSelector", f"{len(values)} values", "are too many", remedy)
    for value in values:
        if not _LABEL_VALUE.match(value):
            remedy = "it has at most 63 letters, digits, '-', '_' and '.'"
            raise InvalidFieldError("labelSelector", value, "is no label value", remedy)
    return Condition(field, test, values)  # type: ignore[arg-type]


def is_label_value(value: str) -> bool:
    """Tell whether a text may be the value of a label."""
    return bool(value) and bool(_LABEL_VALUE.match(value))


def field_conditions(selector: str) -> tuple[str | None, tuple[Condition, ...]]:
    """Give the namespace that a field selector names, if it does, and its conditions.

    Raises:
        InvalidFieldError: names `fieldSelector` and what is wrong with it.
    """
    _check_length("fieldSelector", selector)
    if not _ESCAPED.fullmatch(selector):
        remedy = r"write \\, \, or \="
        raise InvalidFieldError("fieldSelector", selector, "has a lonely backslash", remedy)
    namespace: str | None = None
    conditions: list[Condition] = []
    for part in _FIELD_PARTS.findall(selector):
        found = _FIELD.match(part)
        if found is None:
            raise InvalidFieldError(
                "fieldSelector", part, "is no condition", "write field=value or field!=value"
            )
        key, value = found["key"].strip(), re.sub(r"\\(.)", r"\1", found["value"])
        negated = found["test"] == "!="
        if key == NAMESPACE_FIELD and not negated:
            namespace = storable(f"fieldSelector {key}", value)
        else:
            conditions.append(_field_condition(key, value, negated=negated))
    return namespace, tuple(conditions)


def _field_condition(key: str, value: str, *, negated: bool) -> Condition:
    field = FIELDS.get(key)
    if field is None:
        remedy = f"there are {', '.join((NAMESPACE_FIELD, *FIELDS))}"
        raise InvalidFieldError("fieldSelector", key, "cannot be selected by", remedy)
    test = "not-in" if negated else "in"
    if key == "metadata.name":
        return named(value, negated=negated, path=f"fieldSelector {key}")
    return Condition(field, test, (typed(f"fieldSelector {key}", field, value),))  # type: ignore[arg-type]


def named(name: str, *, negated: bool = False, path: str = "metadata.name") -> Condition:
    """Give the condition that an event has a name, which is its id.

    The type of events is taken for a name too, because that is how Kubernetes' RBAC says that
    somebody may read events of one type only (`resourceNames`).

    Raises:
        InvalidFieldError: names the path.
    """
    test = "not-in" if negated else "in"
    try:
        return Condition("event_id", test, (UUID(name),))  # type: ignore[arg-type]
    except ValueError:
        return Condition("event_type", test, (storable(path, name),))  # type: ignore[arg-type]


def selected_names(conditions: Sequence[Condition]) -> tuple[str, ...]:
    """Give the names of which rights have to allow one: the id and the type that are asked for.

    Told by the conditions and not by the selector's text, so that what is allowed is what is read:
    events that have this id and this type, both of them.
    """
    return tuple(
        str(each.values[0])
        for field in ("event_id", "event_type")
        for each in conditions
        if each.field == field and each.test == "in" and len(each.values) == 1
    )


def typed(path: str, field: Field, value: str) -> Value:
    """Give a value as its column has it.

    Raises:
        InvalidFieldError: it cannot be one.
    """
    if field == "event_date":
        try:
            return date.fromisoformat(value)
        except ValueError:
            remedy = "write it as 2026-11-24"
            raise InvalidFieldError(path, value, "is no date", remedy) from None
    if field == "event_id":
        try:
            return UUID(value)
        except ValueError:
            raise InvalidFieldError(path, value, "is no id", "write a UUID") from None
    return storable(path, value)


def storable(path: str, value: str) -> str:
    """Give a text that a column may have; PostgreSQL's texts have no zero byte.

    Raises:
        InvalidFieldError: it has one.
    """
    if "\0" in value:
        raise InvalidFieldError(path, value, "has a zero byte", "no text has one")
    return value


def _check_length(name: str, selector: str) -> None:
    if len(selector) > LONGEST_SELECTOR:
        remedy = f"write at most {LONGEST_SELECTOR} characters"
        raise InvalidFieldError(name, selector, "is too long", remedy)
