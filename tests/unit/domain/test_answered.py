"""Status shows what the event says of an answer, as long as the API server can keep it."""

import json
from typing import Any

import pytest

from unit.searches import FAILED, TINY, an_event, changed, greatest_spec
from workflow_audit.domain.answered import RESULTS_BYTES, executed_results
from workflow_audit.domain.redaction import Redactor
from workflow_audit.models.policy import Limits, PolicySpec, Redaction

GREATEST = PolicySpec(limits=Limits(max_workflows=100, max_event_bytes=2**20))


def as_go_writes_it(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def shown(spec: Any, policy: PolicySpec | None = None, redactor: Redactor | None = None) -> Any:
    event = an_event(spec, policy or PolicySpec(), redactor or Redactor(Redaction()))
    results = executed_results(event)
    return results and results.model_dump(mode="json", by_alias=True, exclude_none=True)


def test_it_is_what_the_event_says() -> None:
    email = changed(TINY, ("results", "workflows", 0, "title"), "call jane@example.com")
    results = shown(email)
    assert (results["totalFound"], results["returned"], results["durationMs"]) == (3, 2, 45)
    first, second = results["workflows"]
    assert first["title"] == "call [redacted:email]"
    assert (first["workflowId"], first["rank"]) == ("pod-oom-gitops", 1)
    assert first["scoring"]["confidence"] == 0.9
    assert first["scoring"]["unattributed"] == {"boost": 0, "penalty": 0}
    assert second["workflowId"] == "pod-oom-manual"


def test_a_failed_search_has_none() -> None:
    assert shown(FAILED) is None


def test_what_the_limits_cut_is_not_shown() -> None:
    results = shown(TINY, PolicySpec(limits=Limits(max_workflows=1)))
    assert (results["returned"], len(results["workflows"])) == (2, 1)


@pytest.mark.parametrize("character", ["a", "<", "\u2028", "漢", "\U0001f680", '"'])
def test_the_greatest_answer_is_never_too_large(character: str) -> None:
    results = shown(greatest_spec(character), GREATEST)
    assert len(as_go_writes_it(results)) <= RESULTS_BYTES
    assert results["workflows"][0]["rank"] == 1


def test_nor_one_that_redaction_made_longer() -> None:
    greedy = Redaction(
        builtin=(),
        patterns=[{"name": "each", "regex": "."}],
        replacement="<" * 63,  # type: ignore[arg-type]
    )
    results = shown(greatest_spec("a"), GREATEST, Redactor(greedy))
    assert len(as_go_writes_it(results)) <= RESULTS_BYTES
    ranks = [each["rank"] for each in results["workflows"]]
    assert ranks == list(range(1, len(ranks) + 1)), "the lower ranks are left out"
