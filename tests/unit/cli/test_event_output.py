"""Events as rows, lines and files."""

import csv
import io
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

from workflow_audit.cli.event_formats import CSV_COLUMNS, csv_heading, csv_line, json_line
from workflow_audit.cli.event_table import TIME, columns, heading, row
from workflow_audit.cli.output_file import complete_file
from workflow_audit.cli.text import printable
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.audit_object import AuditEventObject

AT = datetime(2026, 11, 24, tzinfo=UTC)
EVENT: dict[str, Any] = {
    "metadata": {"namespace": "payments"},
    "eventId": "590b17c1-ce6f-5cbf-a6dc-62b512248834",
    "eventTimestamp": AT.isoformat(),
    "eventOutcome": "success",
    "correlationId": 'rr "1",\r\n2',
    "topConfidence": 0.66,
    "legalHold": False,
    "eventData": {"query": {"text": "a,b"}},
}


def test_csv_has_every_field_of_an_event() -> None:
    fields = {to_camel(name) for name in AuditEventObject.model_fields}
    assert set(CSV_COLUMNS) == fields | {"eventId", "namespace"}


def test_csv_can_be_read_back() -> None:
    text = csv_heading() + csv_line(EVENT)
    (read,) = csv.DictReader(io.StringIO(text, newline=""))
    assert read["correlationId"] == EVENT["correlationId"]
    assert read["namespace"] == "payments"
    assert (read["legalHold"], read["topConfidence"]) == ("false", "0.66")
    assert (read["severity"], read["topWorkflowId"]) == ("", "")
    assert json.loads(read["eventData"]) == EVENT["eventData"]


def test_a_json_line_is_one_line() -> None:
    line = json_line(EVENT)
    assert (line.count("\n"), json.loads(line)) == (1, EVENT)


def test_rows_one_by_one_stand_below_their_headings() -> None:
    shown = columns(everywhere=True, wide=True, last=TIME)
    first = heading(shown).plain
    second = row(EVENT, shown, AT + timedelta(hours=5)).plain
    for name, content in (("NAMESPACE", "payments"), ("OUTCOME", "success"), ("TIME", "2026-11-")):
        assert first.index(name) == second.index(content)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Grüße 🚀", "Grüße 🚀", id="plain"),
        pytest.param("\x1b[31m", r"\x1b[31m", id="colour"),
        pytest.param("a\r\nb\tc", r"a\r\nb\tc", id="lines"),
        pytest.param("\x9b1m", r"\x9b1m", id="c1"),
        pytest.param("a\u202eb", r"a\u202eb", id="right-to-left"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def half() -> None:
        with complete_file(path) as file:
            file.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert list(tmp_path.iterdir()) == []
    with complete_file(path) as file:
        file.write("whole\r\n")
        assert not path.exists()
    assert path.read_bytes() == b"whole\r\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_behind_a_link_is_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with complete_file(tmp_path / "link") as file:
        file.write("x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "x"


def test_what_is_no_file_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidFieldError, match="is no regular file"), complete_file(tmp_path):
        pass
