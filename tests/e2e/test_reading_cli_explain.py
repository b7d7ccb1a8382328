"""The command line says why a workflow won, and runs as it is documented."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from support.api import Api
from support.operator_process import OperatorProcess
from support.reader import Reader
from support.reading import RBAC, TYPE, ReadingServer, a_namespace, let_read
from support.searches import Searches, bundled_specs, search

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

Json = dict[str, Any]

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "reference" / "command-line-reading.md"


@dataclass(frozen=True)
class Explained:
    searches: Searches
    reader: Reader

    def by_name(self, identifier: str, *options: str) -> Json:
        (found,) = self.all(identifier, *options)
        return found

    def all(self, identifier: str, *options: str) -> list[Json]:
        here = ("-n", self.searches.namespace, "-o", "json")
        found: list[Json] = json.loads(self.reader.reads("explain", identifier, *here, *options))
        return found

    def words(self, identifier: str) -> str:
        return self.reader.reads("explain", identifier, "-n", self.searches.namespace)


WON, FAILED, EMPTY, DERIVED, REDACTED = 1, 68, 58, 2, 305
"""Lines of the bundled searches."""


@pytest.fixture(scope="module")
def explained(
    server: ReadingServer, api: Api, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Explained]:
    """A few of the bundled searches, really recorded; s-0001 is the first of them."""
    bundled = bundled_specs()
    specs = [bundled[line - 1] for line in (WON, FAILED, EMPTY, DERIVED, REDACTED)]
    specs += [bundled[0] | {"correlationId": "rr-many"}] * 7
    log = tmp_path_factory.mktemp("explained") / "operator.log"
    with (
        Searches(server.environment, api, a_namespace(api)) as searches,
        OperatorProcess(server.environment, log) as operator,
    ):
        operator.start().wait_ready()
        searches.create(specs)
        searches.submit(search(bundled[0], "rr-2026-000222-1"))
        searches.wait_recorded(len(specs) + 1)
        assert operator.terminate() == 0
        let_read(api, searches.namespace, f"amy-of-{searches.namespace}")
        body = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "searches"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "workflow-audit-reader",
            },
            "subjects": [{"kind": "User", "name": "may-read-all"}],
        }
        api.apply(f"{RBAC}/namespaces/{searches.namespace}/rolebindings/searches", body)
        yield Explained(searches, Reader.named(server.environment, "may-read-all"))


def test_a_search_is_explained_by_name_event_and_correlation(explained: Explained) -> None:
    recorded_search = explained.searches.get("s-0001")
    found = explained.by_name("s-0001")
    assert found == explained.by_name(recorded_search["status"]["eventId"])
    assert found in explained.all(recorded_search["spec"]["correlationId"])
    assert found["eventId"] == recorded_search["status"]["eventId"]
    given = recorded_search["spec"]["results"]["workflows"]
    assert [each["workflowId"] for each in found["candidates"]] == [w["workflowId"] for w in given]
    first, scoring = found["candidates"][0], given[0]["scoring"]
    parts = {part["name"]: part["value"] for part in first["parts"]}
    taken = {key: -value for key, value in scoring["penaltyBreakdown"].items()}
    base = {"base similarity": scoring["baseSimilarity"]}
    assert parts == base | scoring["boostBreakdown"] | taken
    assert sum(parts.values()) == pytest.approx(scoring["confidence"])
    assert found["lowConfidence"] is False


def test_an_explanation_for_people(explained: Explained) -> None:
    shown = explained.words("s-0001")
    assert re.search(r"winner +remove-taint-v1, confidence 0\.660, 0\.042 ahead of", shown)
    assert re.search(r"1 +remove-taint-v1 +base similarity +\+0\.655 +█{16}\n", shown)
    assert re.search(r"environment +\+0\.080 +██\n", shown)
    assert re.search(r"resource-management +-0\.100 +██\n", shown)
    assert re.search(r"= confidence +0\.660", shown)


def test_what_went_otherwise_is_said_in_plain_words(explained: Explained) -> None:
    failure = explained.searches.get("s-0002")["spec"]["failure"]
    assert f"- the search failed: {failure['code']}: " in explained.words("s-0002")
    assert "- the catalogue found no workflow" in explained.words("s-0003")
    assert "follow from the policy's weights" in explained.words("s-0004")
    assert "- replaced before anything was stored: email (3)" in explained.words("s-0005")


def test_a_correlation_id_shows_the_newest_few(explained: Explained) -> None:
    found = explained.all("rr-many")
    times = [each["searchedAt"] for each in found]
    assert len(found) == 5
    assert times == sorted(times, reverse=True)
    assert len(explained.all("rr-many", "--limit", "7")) == 7
    assert explained.words("rr-many").count("= confidence") == 15
    here = ("-n", explained.searches.namespace)
    as_yaml = explained.reader.reads("explain", "rr-many", *here, "-o", "yaml")
    assert yaml.safe_load(as_yaml) == found
    assert len(explained.all("rr-many", "--type", TYPE)) == 5


def test_who_may_not_read_searches_gets_what_events_say(explained: Explained) -> None:
    namespace = explained.searches.namespace
    amy = Reader.named(explained.reader.environment, f"amy-of-{namespace}")
    (found,) = json.loads(amy.reads("explain", "s-0001", "-n", namespace, "-o", "json"))
    assert found == explained.by_name("s-0001") | {"lowConfidence": None}


def test_a_search_that_is_not_recorded_says_why(explained: Explained) -> None:
    (name,) = explained.searches.create([bundled_specs()[0]], prefix="waits")
    assert "- not recorded: Pending: the operator has not taken it up yet" in explained.words(name)


def test_nothing_of_this_name_has_its_own_exit_code(explained: Explained) -> None:
    for identifier in ("nobody", str(uuid4()), "../x", "A B"):
        here = ("-n", explained.searches.namespace)
        said = explained.reader.fails("explain", identifier, *here, code=3)
        assert f"is called {identifier!r}" in said
