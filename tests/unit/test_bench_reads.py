"""What the bench asks for is what the interfaces take, and its tables say what was not met."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import pytest

from bench import documentation
from bench.figures import Figure, Limit, latency_figures, percentile
from bench.reads import DEEP_PAGE, FIRST_PAGE, READS, Read, Recorded, Sample
from workflow_audit.api.analytics_parameters import PARAMETERS, kubernetes_query, statistic_query
from workflow_audit.api.auditevents import event_query
from workflow_audit.api.rest_parameters import EventParameters, beginning
from workflow_audit.api.rest_parameters import event_query as rest_query
from workflow_audit.domain.cursor import opened
from workflow_audit.models.query import Place
from workflow_audit.models.statistics import Statistic

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
KEY = b"k" * 32
EVENT = Recorded(UUID(int=5), "payments", "rr-2026-000123", "workflow.catalog.x", "pod-oom")
PLACES = [Place(NOW, UUID(int=7))]
SAMPLE = Sample([EVENT], 9, NOW, PLACES, PLACES, KEY)


@dataclass(frozen=True)
class Requests:
    """What a read asks for in both ways: the path's last part, the namespace, the parameters."""

    rest: tuple[str, dict[str, str]]
    aggregated: tuple[str, str | None, dict[str, str]]

    @classmethod
    def of(cls, read: Read) -> "Requests":
        asked = read.ask(SAMPLE, 3)
        aggregated, rest = urlsplit(asked.aggregated or ""), urlsplit(asked.rest or "")
        namespace = re.search(r"/namespaces/([^/]+)/", unquote(aggregated.path))
        return cls(
            (rest.path.rpartition("/")[2], _parameters(rest.query)),
            (
                aggregated.path.rpartition("/")[2],
                namespace and namespace[1],
                _parameters(aggregated.query),
            ),
        )


def _parameters(query: str) -> dict[str, str]:
    return {name: value[0] for name, value in parse_qs(query).items()}


BOTH = [read for read in READS if (read.ask(SAMPLE, 0).aggregated or "").count("?")]
COUNTS = [read for read in BOTH if "auditstatistics" in (read.ask(SAMPLE, 0).aggregated or "")]
LISTS = [read for read in BOTH if read not in COUNTS]


@pytest.mark.parametrize("read", LISTS, ids=lambda read: read.name)
def test_rest_and_the_aggregated_api_are_asked_for_the_same(read: Read) -> None:
    requests = Requests.of(read)
    _, given = requests.rest
    _, namespace, parameters = requests.aggregated
    checked = EventParameters.model_validate(given)
    assert event_query(parameters, namespace, NOW) == rest_query(checked, beginning(checked, NOW))
    assert parameters["limit"] == given["limit"]


@pytest.mark.parametrize("read", COUNTS, ids=lambda read: read.name)
def test_both_are_asked_for_the_same_statistic(read: Read) -> None:
    requests = Requests.of(read)
    (name, given), (same_name, namespace, parameters) = requests.rest, requests.aggregated
    statistic = Statistic(name)
    checked = PARAMETERS[statistic].model_validate(given)
    query = kubernetes_query(Statistic(same_name), namespace, parameters, NOW)
    assert query == statistic_query(statistic, checked, NOW)


def test_every_statistic_is_asked_for() -> None:
    assert {Requests.of(read).rest[0] for read in COUNTS} == {each.value for each in Statistic}


def test_a_deep_page_has_a_cursor_that_its_query_takes() -> None:
    asked = DEEP_PAGE.ask(SAMPLE, 0)
    cursor = parse_qs(urlsplit(asked.rest or "").query)["cursor"][0]
    query = event_query({}, None, NOW)
    assert opened(cursor, query, KEY, NOW, "cursor").place == SAMPLE.deep[0]
    assert "cursor" not in (FIRST_PAGE.ask(SAMPLE, 0).rest or "")


def test_two_requests_in_a_row_are_not_the_same() -> None:
    (read,) = (each for each in READS if each.name.startswith("type in"))
    assert read.ask(SAMPLE, 0).rest != read.ask(SAMPLE, 1).rest


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(number) for number in range(1, 201)]
    assert [percentile(values, each) for each in (50, 95, 99)] == [100, 190, 198]
    assert percentile([7.0], 99) == 7


def test_reads_have_a_table_of_their_own_which_hides_nothing(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: dict[str, str] = {}
    monkeypatch.setattr(documentation, "replace_between", replaced.__setitem__)
    monkeypatch.setattr(documentation, "machine_line", lambda _: "a machine")
    slow = latency_figures(12, "a read; REST", [0.3] * 4, {95: Limit("<", 200)}, "requests")
    other = Figure(number=12, name="loaded", value=7, unit="rows/s", sample="1")
    documentation.update_tables([*slow, other], {})
    assert replaced.keys() == {"reads"}
    assert (
        "| a read; REST | 300 | 300 | 300 | < 200 | **not met** | 4 requests |"
        in (replaced["reads"])
    )
    assert "| (12) | loaded | 7.00 | rows/s |" in replaced["reads"]
