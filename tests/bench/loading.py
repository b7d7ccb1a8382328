"""A year of events into audit_events, as the operator's role, with all indexes in place."""

import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Event

import psycopg

from bench.copying import copy_rows
from bench.population import DAYS, Population
from workflow_audit.services.summing import MOST_EVENTS
from workflow_audit.store.sql import QUERIES

PORTION = 50_000
"""Rows of one transaction."""


def load(writer: str, population: Population, say: Callable[[int], None] = lambda _: None) -> float:
    """Write all events by COPY; gives the seconds it took.

    It is the COPY that takes the time: making a row costs a tenth of writing it.

    Args:
        writer: URL of the role by which the operator writes.
        population: the events.
        say: told after each portion how many there are.
    """
    began = time.monotonic()
    with psycopg.connect(writer, autocommit=True) as connection:
        for day in _days(population):
            connection.execute("SELECT audit_ensure_partition(%s)", [day])
        rows = population.rows()
        for first in range(0, population.count, PORTION):
            copy_rows(connection, "audit_events", itertools.islice(rows, PORTION))
            say(min(first + PORTION, population.count))
    return time.monotonic() - began


def tidy(administrator: str) -> None:
    """Do what autovacuum would have done in time: statistics, visibility, and dirty pages."""
    with psycopg.connect(administrator, autocommit=True) as connection:
        connection.execute(
            "VACUUM (ANALYZE) audit_events, audit_workflow_days, audit_query_days,"
            " audit_workflow_days_everywhere, audit_query_days_everywhere"
        )
        connection.execute("CHECKPOINT")


@contextmanager
def summing_up(writer: str) -> Iterator[None]:
    """Sum up for statistics as the operator does while it records, and then what is left."""
    loaded = Event()
    with ThreadPoolExecutor(1) as threads:
        summing = threads.submit(_sum_up, writer, loaded)
        try:
            yield
        finally:
            loaded.set()
        summing.result()


def _sum_up(writer: str, loaded: Event) -> None:
    with psycopg.connect(writer, autocommit=True) as connection:
        while True:
            is_last = loaded.is_set()
            while connection.execute(QUERIES["sum_up"], {"most": MOST_EVENTS}).fetchone() != (0,):
                pass
            if is_last:
                return
            loaded.wait(1)


def _days(population: Population) -> list[date]:
    return [(population.begin + timedelta(days=day)).date() for day in range(DAYS + 1)]
