"""What an installed schema of another version lets pass is recorded as InvalidSearch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Api
from support.condition_rules import condition_of
from support.eventually import eventually
from support.loose_schema import loosen
from support.malformed import MALFORMED, good_spec
from support.operator_process import OperatorProcess
from support.searches import Searches, search
from workflow_audit.cli.prepare import prepare
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


@pytest.fixture(scope="module")
def loose() -> Iterator[LocalEnvironment]:
    """An environment of its own: its schema refuses nothing."""
    with LocalEnvironment.temporary([prepare, loosen]) as environment:
        yield environment


def test_every_malformed_search_is_recorded_as_invalid_with_the_path_of_its_field(
    loose: LocalEnvironment, tmp_path: Path
) -> None:
    with (
        Api(loose) as api,
        Searches(loose, api, "loose") as searches,
        OperatorProcess(loose, tmp_path / "operator.log") as operator,
    ):
        probe = search([], "probe")
        eventually(lambda: searches.submit(probe, "?dryRun=All").ok)  # the schema is in force
        operator.start().wait_ready()
        names = searches.create([case.spec for case in MALFORMED])
        searches.create([good_spec()], prefix="good")
        found = {i["metadata"]["name"]: i for i in searches.wait_recorded(len(MALFORMED) + 1)}
        rows = {row["resource_name"]: row for row in searches.rows()}
        assert rows["good-0001"]["event_outcome"] == "success"
        for case, name in zip(MALFORMED, names, strict=True):
            row, item = rows[name], found[name]
            searched = condition_of(item, "Searched")
            assert row["event_data"]["invalid"]["path"] == case.path, case.name
            assert (row["event_outcome"], row["error_code"]) == ("failure", "InvalidSearch")
            assert case.path in row["error_message"], case.name
            assert item["status"]["outcome"] == "failure"
            assert (searched["status"], searched["reason"]) == ("False", "InvalidSearch")
            assert case.path in searched["message"], case.name
        assert operator.metrics()["workflow_audit_status_errors_total"] == 0
        assert operator.terminate() == 0
        assert "Traceback" not in operator.log
