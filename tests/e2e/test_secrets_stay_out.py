"""No secret and no personal datum leaves memory: not to rows, status, logs or metrics."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.eventually import eventually
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs, search
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

CASES = json.loads(
    (Path(__file__).parents[1] / "unit" / "domain" / "redaction_cases.json").read_text("utf-8")
)
MUST_GO = [text for case in CASES["must_go"] for text in case["texts"]]
MUST_STAY = [case["text"] for case in CASES["must_stay"]]


def cases(kind: str) -> list[dict[str, Any]]:
    specs = bundled_specs()
    return [specs[case["line"] - 1] for case in CASES[kind]]


def test_the_searches_hold_what_must_go() -> None:
    submitted = json.dumps(cases("must_go"), ensure_ascii=False)
    assert [text for text in MUST_GO if text not in submitted] == []
    assert len(MUST_GO) >= 21


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="as-shipped"),
        pytest.param({"AUDIT_LOG_LEVEL": "DEBUG"}, id="debug"),
        pytest.param({"AUDIT_LOG_LEVEL": "DEBUG", "AUDIT_LOG_FORMAT": "console"}, id="console"),
    ],
)
def test_nothing_that_must_go_is_found_anywhere(
    searches: Searches,
    start_operator: StartOperator,
    prepared_environment: LocalEnvironment,
    settings: dict[str, str],
) -> None:
    """An outage is part of it: then most is said about searches that wait."""
    json_log = settings.get("AUDIT_LOG_FORMAT") != "console"
    prepared_environment.postgres.stop("immediate")
    try:
        searches.create([*cases("must_go"), *cases("must_stay")])
        operator = start_operator(AUDIT_OPERATOR_PATIENCE_SECONDS="0.5", **settings)
        eventually(lambda: "waiting: PostgreSQL is not available" in operator.log)
    finally:
        prepared_environment.postgres.start()
    found = searches.wait_recorded(len(CASES["must_go"]) + len(CASES["must_stay"]))
    places = {
        "rows": "\n".join(row["row"] for row in searches.rows("audit_events::text AS row")),
        "status": json.dumps([item["status"] for item in found], ensure_ascii=False),
        "log": operator.log,
    }
    if json_log:
        places["metrics"] = operator.probe("/metrics")[1]
    for name, place in places.items():
        shown = place.replace('""', '"').replace("\\\\", "\\")  # a row as text doubles them
        leaked = [text for text in MUST_GO if text in place or text in shown]
        assert leaked == [], name
    assert [text for text in MUST_STAY if text not in places["rows"]] == []
    assert operator.terminate() == 0
    assert [text for text in MUST_GO if text in operator.log] == []


def test_a_malformed_search_is_no_way_around(
    searches: Searches, start_operator: StartOperator
) -> None:
    """Where the schema refuses, nothing is stored at all; unknown fields are pruned."""
    start_operator()
    spec = cases("must_go")[0]
    secret = CASES["must_go"][0]["texts"][0]
    assert searches.submit(search({**spec, "note": secret}, "pruned")).ok
    searches.wait_recorded(1)
    assert secret not in json.dumps(searches.row("pruned"), default=str)
