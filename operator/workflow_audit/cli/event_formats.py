"""Events for programs: JSON, YAML, CSV."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson
import yaml

Json = dict[str, Any]

CSV_COLUMNS = (
    "eventId", "namespace", "eventTimestamp", "eventDate", "eventType", "eventCategory",
    "eventAction", "eventOutcome", "eventVersion", "actorType", "actorId", "actorIp",
    "resourceType", "resourceId", "resourceName", "correlationId", "parentEventId",
    "parentEventDate", "traceId", "spanId", "clusterId", "severity", "durationMs", "errorCode",
    "errorMessage", "retentionDays", "isSensitive", "legalHold", "recordedAt", "topWorkflowId",
    "topConfidence", "eventData", "eventMetadata",
)  # fmt: skip
"""The same for all events and versions; new ones come at the end. The last two are JSON."""


_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001 - full width, which some programs take too
"""With these a cell begins that a spreadsheet would compute; what is in events, anybody may write.
Source: OWASP, CSV injection."""


def csv_heading() -> str:
    """Give the first line."""
    return _csv_line(CSV_COLUMNS)


def csv_line(event: Json) -> str:
    """Give an event as a line."""
    values = event | {"namespace": event["metadata"]["namespace"]}
    return _csv_line([_csv_value(values.get(name)) for name in CSV_COLUMNS])


def json_line(event: Json) -> str:
    """Give an event as one line of JSON."""
    return orjson.dumps(event).decode() + "\n"


def json_text(content: Any) -> str:
    """Give JSON for people too."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"


def yaml_text(content: Any) -> str:
    """Give YAML."""
    text: str = yaml.dump(content, Dumper=_DUMPER, sort_keys=False, allow_unicode=True)
    return text


_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _csv_value(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict() | list():
            return orjson.dumps(value).decode()
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return str(value)


def _csv_line(values: Sequence[str]) -> str:
    buffer = io.StringIO()
    # Before Python 3.13 the characters of the line's end are the only ones of this kind that get
    # quotes: a text with a lone carriage return would be two lines, and the second any formula.
    csv.writer(buffer, lineterminator="\r\n").writerow(values)
    return buffer.getvalue().removesuffix("\r\n") + "\n"


def csv_text(columns: Sequence[str], rows: Sequence[Json]) -> str:
    """Give other rows with a heading, in the same manner."""
    lines = [[_csv_value(row.get(name)) for name in columns] for row in rows]
    return "".join(map(_csv_line, [columns, *lines]))
