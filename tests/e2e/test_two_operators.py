"""Two operators on the same searches: one row each, and a status that both would write."""

import pytest

from support.api import Api, SearchWatch
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SPECS = bundled_specs()[:150]


def test_two_operators_write_one_row_and_the_same_status(
    searches: Searches, api: Api, start_operator: StartOperator
) -> None:
    both = [start_operator(), start_operator()]
    for operator in both:
        operator.wait_ready()
    with SearchWatch(api, searches.namespace) as watch:
        names = searches.create(SPECS)
        searches.wait_recorded(len(SPECS))
        # A second write of other bytes would be a second change; one of the same bytes is none.
        watch.wait_writes(names, 1)
        assert [operator.terminate() for operator in both] == [0, 0]
        watch.wait_writes(names, 1)


def test_two_operators_share_what_is_new(searches: Searches, start_operator: StartOperator) -> None:
    both = [start_operator(), start_operator()]
    for operator in both:
        operator.wait_ready()
    before = [operator.events("recorded") for operator in both]
    searches.create(SPECS[:50])
    searches.wait_recorded(50)
    recorded = [operator.events("recorded") - n for operator, n in zip(both, before, strict=True)]
    assert sum(recorded) == 50  # whoever came second met the row of the other
