"""A year of events, for plans: 60,000 in the twelve months of 2025.

Each partition has fewer rows than ANALYZE looks at, so its statistics are exact, and the same every
time; for the sums by day, which have more rows, ANALYZE is made to look at all of them.
"""

from datetime import UTC, datetime
from functools import cache

from store_support import WRITER, TestDatabase

from bench.corpus import Corpus
from bench.loading import load, tidy
from bench.population import Population
from workflow_audit.cli.bundled import bundled

EVENTS = 60_000
MONTHS = 12
END = datetime(2026, 1, 1, tzinfo=UTC)

MIDDLE, SMALL = "team-004", "team-150"
"""One event in 25, and one in 1,500: less than a page."""

SUMS = ("audit_workflow_days", "audit_query_days")
"""Of each namespace; the names of those of all namespaces go on with _everywhere."""

NOT_SUMMED_UP = 100
"""The newest events, all of December."""

ROWS_OF_A_TARGET = 300
"""So many rows ANALYZE looks at for each unit of `default_statistics_target`."""


@cache
def population() -> Population:
    """The events; made when they are needed, which takes seconds."""
    return Population(Corpus(bundled("examples/searches.jsonl")).first_events, EVENTS, END)


def record_a_year(database: TestDatabase) -> None:
    """Record the events and sum up all but the newest ones."""
    load(database.url(WRITER), population())
    _drop_other_months(database)
    _pack(database)
    tidy(database.url("postgres"))
    with database.connected(WRITER) as writer:
        writer.execute("SELECT audit_sum_up(%s)", [EVENTS - NOT_SUMMED_UP])
    _tidy_sums(database)


def _drop_other_months(database: TestDatabase) -> None:
    """A migration makes the partition of today, which is none of 2025."""
    with database.connected() as connection:
        found = connection.execute(
            "SELECT relid::regclass::text FROM pg_partition_tree('audit_events')"
            " WHERE isleaf AND relid::regclass::text !~ '_2025_'"
        ).fetchall()
        for (name,) in found:
            connection.execute(f"DROP TABLE {name}".encode())


def _pack(database: TestDatabase) -> None:
    """Write the months anew: how full their pages are depends on what autovacuum did meanwhile.

    An index counts alone for nothing only where all pages are visible to all, and spare ones are
    not; elsewhere it costs as much as another index, and the plan is a matter of luck.
    """
    with database.connected() as connection:
        connection.execute("VACUUM (FULL) audit_events")


def _tidy_sums(database: TestDatabase) -> None:
    with database.connected() as connection:
        for name in (*SUMS, *(f"{each}_everywhere" for each in SUMS), "audit_summed_up"):
            ((rows,),) = connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchall()
            target = max(100, rows // ROWS_OF_A_TARGET + 1)
            connection.execute(f"SET default_statistics_target = {target}".encode())
            connection.execute(f"VACUUM (ANALYZE) {name}".encode())
