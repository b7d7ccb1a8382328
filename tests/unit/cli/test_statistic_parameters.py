"""What `stats` asks the server for."""

from typing import Any

import pytest
import typer

from workflow_audit.api.analytics_parameters import kubernetes_query
from workflow_audit.cli.selecting import Period
from workflow_audit.cli.stats import Counting, Printing, asked_for
from workflow_audit.models.statistics import Bucket, Statistic
from workflow_audit.wiring.running import utc_now


@pytest.mark.parametrize(
    ("since", "whole_days"),
    [("7d", True), ("2026-01-01", True), (None, True), ("24h", False)],
    ids=str,
)
def test_a_span_of_days_is_one_to_the_server_too(since: str | None, whole_days: bool) -> None:
    counting = Counting(Bucket.DAY, by_namespace=True)
    wanted = asked_for(Period(since), Printing(limit=7), counting.parameters())
    query = kubernetes_query(Statistic.MOST_SELECTED, "payments", wanted, utc_now())
    assert query.period.is_whole_days is whole_days
    assert (query.bucket, query.by_namespace, query.limit) == (Bucket.DAY, True, 7)


@pytest.mark.parametrize("given", [{"since": "soon"}, {"until": "soon"}], ids=str)
def test_what_is_no_time_is_a_wrong_command_line(given: dict[str, Any]) -> None:
    with pytest.raises(typer.BadParameter, match="'soon' is no time"):
        asked_for(Period(**given), Printing(), {})
