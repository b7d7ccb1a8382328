"""Clients of the library for tests, and what they record."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.eventually import eventually
from support.faulty_server import Behaviour, Exchange, answer
from workflow_audit.client import AuditClient, ClientSettings

SINGLE, BATCH = "/api/v1/audit/events", "/api/v1/audit/events/batch"
SECONDS = 30.0


def catalogue_answer(workflows: int = 8) -> dict[str, Any]:
    """Give an answer of the catalogue, about as large as real ones."""
    return {
        "workflows": [
            {
                "workflow": {
                    "workflow_id": f"pod-oom-{rank}",
                    "version": "v1.0.0",
                    "title": "Raise the memory limit of a deployment through Git",
                    "labels": {
                        "signal-type": "OOMKilled",
                        "severity": "critical",
                        "resource-management": "gitops",
                        "environment": "production",
                    },
                },
                "base_similarity": 0.88,
                "label_boost": 0.1,
                "label_penalty": 0.0,
                "final_score": 0.98,
                "rank": rank,
            }
            for rank in range(1, workflows + 1)
        ],
        "total_results": workflows + 3,
    }


def asked(number: int = 1) -> dict[str, Any]:
    """Give what was asked."""
    return {
        "correlation_id": f"rr-2026-{number:06}",
        "query": "OOMKilled critical",
        "filters": {"signal-type": "OOMKilled"},
        "top_k": 10,
        "min_similarity": 0.3,
    }


def record(client: AuditClient, count: int = 1, first: int = 1) -> None:
    """Record searches that went well, each with a correlation id of its own."""
    for number in range(first, first + count):
        client.search_completed(**asked(number), response=catalogue_answer(), duration_ms=12.3)


@contextmanager
def client_of(
    folder: Path, url: str | None = None, *, close_seconds: float = 0.5, **settings: Any
) -> Iterator[AuditClient]:
    """Give a client with its spool below a folder."""
    spool = settings.pop("spool_path", folder / "spool")
    settings = {"namespace": "default", "timeout_seconds": 1, **settings}
    client = AuditClient(ClientSettings(url=url, spool_path=spool, **settings))
    try:
        yield client
    finally:
        client.close(close_seconds)


async def taking(exchange: Exchange) -> None:
    """Take events, single ones and batches, as the server of the audit does."""
    await (_batch if exchange.request.path == BATCH else _single)(exchange)


async def _single(exchange: Exchange) -> None:
    await answer({"event_id": "e", "status": "recorded", "message": "recorded"}, 201)(exchange)


async def _batch(exchange: Exchange) -> None:
    events = exchange.request.json()
    results = [{"index": n, "status": "recorded", "event_id": "e"} for n in range(len(events))]
    await answer({"results": results, "event_ids": [], "message": "recorded"}, 201)(exchange)


def first(behaviour: Behaviour, times: int = 1) -> Behaviour:
    """Misbehave so many times, then take events."""
    left = [times]

    async def behave(exchange: Exchange) -> None:
        left[0] -= 1
        await (behaviour if left[0] >= 0 else taking)(exchange)

    return behave


def correlations(requests: Any) -> list[str]:
    """Give the correlation ids of all events that requests hold."""
    found = []
    for request in requests:
        body = request.json()
        found += [event["correlation_id"] for event in (body if isinstance(body, list) else [body])]
    return found


def wait_spooled(client: AuditClient, count: int) -> None:
    """Wait until so many searches are in the spool, and none in the queue."""
    eventually(
        lambda: (client.stats().queued, client.stats().spooled),
        until=lambda seen: seen == (0, count),
        within_seconds=SECONDS,
    )
