"""A list is printed as its pages come: what is held does not grow, and each form stays whole."""

import csv
import gc
import io
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest
import yaml

from workflow_audit.cli.event_reads import PAGE, pages_of
from workflow_audit.cli.reading import Reader
from workflow_audit.cli.showing import ListFormat, print_list
from workflow_audit.models.listing import EventPage

Json = dict[str, Any]


def an_event(number: int) -> Json:
    return {
        "metadata": {"namespace": "payments"},
        "eventId": f"00000000-0000-0000-0000-{10**6 - number:012d}",
        "eventTimestamp": "2026-11-24T00:00:00+00:00",
        "correlationId": f"rr-{number}",
        "eventData": {"text": "two\nlines"},
    }


def held() -> int:
    """Count the events that somebody still holds."""
    return sum(type(each) is dict and "eventTimestamp" in each for each in gc.get_objects())


class Events:
    """As many as it is told, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.held: list[int] = []
        """How many events others held, at each page."""

    async def page(
        self, parameters: Mapping[str, str], most: int, *, cursor: str = "", position: str = ""
    ) -> EventPage:
        self.held.append(held())
        first = int(cursor or 0)
        last = min(first + most, self.count)
        events = [an_event(number) for number in range(first, last)]
        return EventPage(events, str(last) if last < self.count else "", "1")


def pages_from(events: Events, limit: int = 0) -> AsyncGenerator[Sequence[Json], None]:
    return pages_of(Reader(None, events, None), {}, limit)  # type: ignore[arg-type]


def pages(count: int, limit: int = 0) -> AsyncGenerator[Sequence[Json], None]:
    return pages_from(Events(count), limit)


@pytest.mark.parametrize("output", list(ListFormat))
async def test_no_more_than_a_page_is_held_when_the_next_one_comes(
    output: ListFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    events, before = Events(5 * PAGE + 1), held()
    assert await print_list(pages_from(events), output, everywhere=False) == events.count
    assert capsys.readouterr().out.count("rr-") == events.count
    assert len(events.held) == 6
    assert max(events.held) - before <= PAGE


@pytest.mark.parametrize("count", [0, 1, 2, PAGE + 1])
async def test_every_form_is_whole(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    async def printed(output: ListFormat) -> str:
        assert await print_list(pages(count), output, everywhere=False) == count
        return capsys.readouterr().out

    expected = [an_event(number) for number in range(count)]
    as_json = await printed(ListFormat.JSON)
    assert json.loads(as_json) == expected
    assert as_json == json.dumps(expected, indent=2) + "\n"
    assert yaml.safe_load(await printed(ListFormat.YAML)) == expected
    rows = list(csv.DictReader(io.StringIO(await printed(ListFormat.CSV))))
    assert [row["eventId"] for row in rows] == [event["eventId"] for event in expected]
    lines = (await printed(ListFormat.TABLE)).splitlines()
    assert len(lines) == (count + 1 if count else 0)


@pytest.mark.parametrize("limit", [1, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE])
async def test_a_limit_is_kept(limit: int) -> None:
    found = [event["correlationId"] async for page in pages(3 * PAGE, limit) for event in page]
    assert found == [f"rr-{number}" for number in range(limit)]


async def test_a_table_is_as_wide_as_its_first_page_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    await print_list(pages(11), ListFormat.TABLE, everywhere=True)
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == [
        "NAMESPACE", "NAME", "CORRELATION", "WORKFLOW", "CONFIDENCE", "OUTCOME", "AGE",
    ]  # fmt: skip
    for row in rows:
        assert row.index("00000000-") == heading.index("NAME", 5)
        assert row.index("rr-") == heading.index("CORRELATION")
