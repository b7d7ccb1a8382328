"""The chart on a real control plane: installed, worked with, upgraded, and taken away again.

Its pods run as processes with the tokens of their service accounts, so what the chart says of
commands, variables, Secrets, probes and rights is what is tried here.
"""

from collections.abc import Iterator

import pytest

from support.eventually import eventually
from support.go_tools import Program
from support.node.node import EXTRAS
from support.release import Release, release
from support.searches import Searches, bundled_specs
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]


@pytest.fixture(scope="module")
def cluster(helm: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    with (
        LocalEnvironment.temporary(extras=EXTRAS) as environment,
        release(environment, helm, tmp_path_factory.mktemp("pods")) as own,
    ):
        yield own


@pytest.fixture(scope="module")
def installed(cluster: Release) -> Release:
    cluster.install()
    return cluster


@pytest.fixture
def searches(installed: Release) -> Iterator[Searches]:
    with Searches(installed.environment, installed.api, "helm-searches") as own:
        yield own


def test_a_search_is_recorded_and_read(installed: Release, searches: Searches) -> None:
    names = searches.create(bundled_specs()[:5])
    searches.wait_recorded(names)
    found = installed.kubectl("get", "auditevents", "-n", searches.namespace, "-o", "name")
    assert len(found.split()) == 5
