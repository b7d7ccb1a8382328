"""The rollback switch: nothing is written, everything goes on."""

import pytest

from support.condition_rules import broken_condition_rules, condition_of
from support.environment import kubectl
from support.eventually import eventually
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


def test_searches_are_skipped_counted_and_can_be_deleted(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    operator = start_operator(AUDIT_OPERATOR_ENABLED="false").wait_ready()
    before = operator.events("skipped")
    searches.create(bundled_specs()[:30])
    eventually(searches.phases, until=lambda phases: phases == {"Skipped": 30})
    assert operator.events("skipped") - before == 30
    assert operator.events("recorded") == 0
    assert searches.rows() == []
    for item in searches.listed():
        assert broken_condition_rules(item) == []
        assert condition_of(item, "Ready")["status"] == "True"
        assert condition_of(item, "Recorded")["status"] == "False"
        assert condition_of(item, "Recorded")["reason"] == "AuditingDisabled"
    kubectl(prepared_environment, "delete", "wfs", "--all", "-n", searches.namespace)
    assert searches.listed() == []
    assert operator.terminate() == 0


def test_skipped_searches_stay_skipped_when_it_is_switched_on_again(
    searches: Searches, start_operator: StartOperator
) -> None:
    off = start_operator(AUDIT_OPERATOR_ENABLED="false")
    searches.create(bundled_specs()[:5], prefix="off")
    eventually(searches.phases, until=lambda phases: phases == {"Skipped": 5})
    assert off.wait_ready().terminate() == 0
    start_operator()
    searches.create(bundled_specs()[:5], prefix="on")
    eventually(searches.phases, until=lambda phases: phases == {"Skipped": 5, "Recorded": 5})
    assert {row["resource_name"][:2] for row in searches.rows()} == {"on"}
    assert searches.row_count() == 5
