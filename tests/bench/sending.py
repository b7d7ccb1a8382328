"""What all measurements of ingestion share: a server, who sends, and what."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.apiserver import Server, served
from bench.context import Bench
from bench.databases import FreshDatabase, fresh_database
from bench.submissions import NAMESPACES, Submissions
from workflow_audit.local.progress import Reporter, reported


@dataclass(frozen=True)
class Ingestion:
    """Where is sent, by whom, and what."""

    bench: Bench
    server: Server
    fresh: FreshDatabase
    token: str
    submissions: Submissions
    report: Reporter


@contextmanager
def ingestion(bench: Bench) -> Iterator[Ingestion]:
    """Give a server that takes events, on a database of its own."""
    with (
        reported("events over HTTP") as report,
        fresh_database(bench.environment, "ingest") as fresh,
    ):
        settings = {
            "AUDIT_INGESTION_DATABASE_URL": fresh.writer,
            "AUDIT_INGESTION_REQUESTS_AT_ONCE": "0",
        }
        with served(bench.environment, fresh, settings) as server:
            for name in NAMESPACES:
                server.make_namespace(name)
            token = server.searcher("bench-searcher")
            yield Ingestion(bench, server, fresh, token, Submissions(bench.corpus), report)
