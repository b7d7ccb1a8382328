"""The main job on real input: every bundled search becomes a row and a status."""

import json
from typing import Any

import pytest

from e2e.conftest import StartOperator
from support.api import Api, SearchWatch
from support.condition_rules import condition_of
from support.environment import kubectl
from support.eventually import eventually
from support.searches import Searches, bundled_specs

pytestmark = [pytest.mark.cluster, pytest.mark.database]


def test_every_bundled_search_becomes_one_row_and_one_status(
    searches: Searches, api: Api, start_operator: StartOperator
) -> None:
    operator = start_operator().wait_ready()
    with SearchWatch(api, searches.namespace) as watch:
        names = searches.create(bundled_specs())
        found = searches.wait_recorded(615)
        # The watch has seen all that the list shows.
        eventually(lambda: [n for n in names if not watch.writes(n)], until=lambda late: not late)
        assert {len(watch.writes(name)) for name in names} == {1}
    print(found[0])
