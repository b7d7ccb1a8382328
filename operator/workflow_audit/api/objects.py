"""Events as objects of the Kubernetes API: columns in camelCase, JSON as the database has it."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson
from pydantic.alias_generators import to_camel

from workflow_audit.domain.instants import rfc3339
from workflow_audit.domain.resource_versions import resource_version
from workflow_audit.domain.selectors import LABELS, is_label_value
from workflow_audit.models.auditlog import AUDIT_EVENT
from workflow_audit.models.query import StoredEvent
from workflow_audit.services.reading import Listed

Json = dict[str, Any]

LIST_KIND = f"{AUDIT_EVENT.kind}List"

camel_case = cache(to_camel)
"""Names are few and used for every event; making each anew takes a quarter of an answer's time."""


def audit_event(event: StoredEvent) -> Json:
    """Give an event as an object; `orjson.dumps` takes it."""
    content = {
        camel_case(name): plain(value)
        for name, value in event.columns.items()
        if value is not None and name != "namespace"
    }
    fragments = {"eventData": orjson.Fragment(event.event_data)}
    if event.event_metadata:
        fragments["eventMetadata"] = orjson.Fragment(event.event_metadata)
    return {
        "apiVersion": AUDIT_EVENT.api_version,
        "kind": AUDIT_EVENT.kind,
        "metadata": metadata(event),
        **content,
        **fragments,
    }


def metadata(event: StoredEvent) -> Json:
    """Give what every object of Kubernetes has."""
    columns = event.columns
    labels = {key: columns[column] for key, column in LABELS.items()}
    return {
        "name": columns["event_id"],
        "namespace": columns["namespace"],
        "uid": columns["event_id"],
        "resourceVersion": resource_version(event.position),
        "creationTimestamp": seconds(columns["event_timestamp"]),
        # A value that cannot be a label's is found by a field selector all the same.
        "labels": {key: value for key, value in labels.items() if value and is_label_value(value)},
    }


def event_list(listed: Listed) -> Json:
    """Give a page as a list object."""
    return {
        "apiVersion": AUDIT_EVENT.api_version,
        "kind": LIST_KIND,
        "metadata": list_metadata(listed),
        "items": [audit_event(event) for event in listed.page.events],
    }


def list_metadata(listed: Listed) -> Json:
    """Give where a watch goes on, and of the next page where it begins and what is left."""
    told = {
        "resourceVersion": resource_version(listed.page.position),
        "continue": listed.cursor,
        "remainingItemCount": listed.remaining,
    }
    return {name: value for name, value in told.items() if value}


def seconds(at: datetime) -> str:
    """Give an instant as `metadata` has it."""
    text = at.astimezone(UTC).isoformat(timespec="seconds")  # strftime: year 867 in three digits
    return text.replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """Give a value of a column as `orjson` is to have it; instants with microseconds, in UTC.

    It is called for each column of each event. Days and ids are left to orjson, which writes them
    as `str` does.
    """
    return rfc3339(value) if type(value) is datetime else value
