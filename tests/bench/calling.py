"""(13) What a call of the client library costs its caller, whatever the audit does meanwhile."""

import asyncio
import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.cluster import REQUESTER_GROUPS
from bench.context import Bench
from bench.corpus import REQUESTER
from bench.figures import Figure, Limit, latency_figures
from support.answers import answer_of, asked_of
from workflow_audit.client import AuditClient
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.local.progress import reported

NUMBER = 13
LIMITS = {99: Limit("<", 0.1)}
LEAST_WORKFLOWS = 5
"""In the answers; most of the bundled ones have fewer, and cost less."""

CALLS_PER_SECOND = 100
FLUSH_SECONDS = 60.0

Json = dict[str, Any]
State = Mapping[str, str]
"""Settings of the library by which it meets the audit in some state."""


@dataclass
class _Called:
    """What calling took."""

    seconds: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    """Of writing the same arguments as JSON and nothing else: what no call can go below."""

    lost: int = 0


async def measure_calls(bench: Bench) -> None:
    """Call at a steady rate with the API server up, with one that never answers, and with none."""
    calls = _calls(bench)
    with reported("calls of the library") as report, _states(bench.environment) as states:
        for name, settings in states.items():
            report.update(f"audit {name}")
            called = await asyncio.to_thread(_call, calls, bench.sizes.library_calls, settings)
            title = f"a call of the library, audit {name}"
            bench.add(latency_figures(NUMBER, title, called.seconds, LIMITS, of="calls"))
            bare = f"for comparison, orjson.dumps alone, audit {name}"
            bench.add(latency_figures(NUMBER, bare, called.bare, of="calls"))
            bench.add([_lost(title, called)])


def _lost(title: str, called: _Called) -> Figure:
    return Figure(
        number=NUMBER,
        name=f"{title}: lost",
        value=called.lost,
        unit="",
        sample=f"{len(called.seconds):,} calls",
        limit=Limit("=", 0),
    )


def _calls(bench: Bench) -> list[Json]:
    specs = [bench.corpus.manifest(number)["spec"] for number in range(len(bench.corpus))]
    return [
        {
            "correlation_id": spec["correlationId"],
            **asked_of(spec),
            "response": answer_of(spec["results"]),
            "duration_ms": spec["results"].get("durationMs"),
        }
        for spec in specs
        if len(spec.get("results", {}).get("workflows", [])) >= LEAST_WORKFLOWS
    ]


@contextmanager
def _states(environment: LocalEnvironment) -> Iterator[Mapping[str, State]]:
    kubeconfig = environment.control_plane.kubeconfig_for(REQUESTER, REQUESTER_GROUPS)
    with socket.create_server((HOST, 0), backlog=128) as never_answers:
        dead = socket.create_server((HOST, 0))
        dead_port = dead.getsockname()[1]
        dead.close()
        yield {
            "up": {"AUDIT_KUBECONFIG": str(kubeconfig), "AUDIT_NAMESPACE": "default"},
            "never answers": {
                "DATA_STORAGE_AUDIT_URL": f"http://{HOST}:{never_answers.getsockname()[1]}"
            },
            "dead": {"DATA_STORAGE_AUDIT_URL": f"http://{HOST}:{dead_port}"},
        }


def _call(calls: Sequence[Json], count: int, settings: State) -> _Called:
    called = _Called()
    with TemporaryDirectory() as folder:
        token = Path(folder, "token")
        token.write_text("bench", encoding="utf-8")
        own = {
            "AUDIT_TOKEN_FILE": str(token),
            "AUDIT_SPOOL_PATH": str(Path(folder, "spool")),
            **settings,
        }
        audit = AuditClient.from_env(own)
        begin = time.monotonic()
        for number in range(count):
            for seconds, call in ((called.seconds, audit.search_completed), (called.bare, _bare)):
                # As fresh as an answer that has just come.
                arguments = json.loads(json.dumps(calls[number % len(calls)]))
                turn = len(called.seconds) + len(called.bare)
                time.sleep(max(begin + turn / 2 / CALLS_PER_SECOND - time.monotonic(), 0))
                began = time.perf_counter()
                call(**arguments)
                seconds.append(time.perf_counter() - began)
        if "AUDIT_KUBECONFIG" in settings:
            audit.flush(FLUSH_SECONDS)
        stats = audit.stats()
        called.lost = sum(stats.dropped.values()) + stats.refused
        audit.close(1.0)
    return called


def _bare(**arguments: Any) -> None:
    orjson.dumps(arguments)
