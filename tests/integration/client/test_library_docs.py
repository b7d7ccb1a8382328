"""The examples of the documentation do what it says."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.client import SECONDS, catalogue_answer, taking
from support.faulty_server import FaultyServer

LIBRARY = Path(__file__).parents[3] / "docs" / "how-to" / "library.md"


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", LIBRARY.read_text(encoding="utf-8"), re.DOTALL)


def test_its_examples_record_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = catalogue_answer()
    names: dict[str, Any] = {
        "catalogue": SimpleNamespace(search=lambda text, top_k: answer),
        "current_request": SimpleNamespace(get=lambda: "rr-2026-002"),
        "answer": answer,
        "error": TimeoutError("no answer"),
    }
    with FaultyServer(taking) as server:
        monkeypatch.setenv("data_storage_audit_url", server.url)
        monkeypatch.setenv("AUDIT_SPOOL_PATH", str(tmp_path / "spool"))
        for example in examples():
            exec(compile(example, str(LIBRARY), "exec"), names)  # noqa: S102 - our own page
        names["search"]("of the decorator")
        audit = names["audit"]
        assert audit.flush(SECONDS)
        audit.close()
        sent = [e for r in server.requests for e in _events(r.json())]
    assert [(event["correlation_id"], event["event_outcome"]) for event in sent] == [
        ("rr-2026-001", "success"),
        ("rr-2026-001", "success"),
        ("rr-2026-001", "failure"),
        ("rr-2026-002", "failure"),
    ]
    assert {e["event_data"]["query"]["text"] for e in sent} == {
        "OOMKilled critical",
        "of the decorator",
    }
    assert sent[2]["error_code"] == "CatalogueTimeout"


def _events(body: Any) -> list[Any]:
    return body if isinstance(body, list) else [body]
