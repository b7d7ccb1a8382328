"""The command line: `make bench`, or `PYTHONPATH=tests python -m bench`."""

import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench import profiling
from bench.backlog import measure_backlog
from bench.calling import measure_calls
from bench.cluster import allow_requester
from bench.context import Bench
from bench.copying import measure_copy
from bench.corpus import Corpus
from bench.documentation import OWN_TABLES, update_tables
from bench.draining import measure_drains
from bench.ingesting import measure_ingestion
from bench.latency import measure_latency
from bench.machine import machine_facts
from bench.policies import measure_policies
from bench.reading import measure_reads
from bench.report import show, write_json
from bench.retaining import measure_retention
from bench.sizes import FULL, QUICK
from bench.weighing import measure_size
from bench.writing import measure_write_latency
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import prepare
from workflow_audit.local.environment import LocalEnvironment

Measure = Callable[[Bench], Awaitable[None]]

MEASUREMENTS: dict[tuple[int, ...], tuple[str, Measure]] = {
    (1, 2, 3): ("ceiling and drain", measure_drains),
    (4,): ("latency", measure_latency),
    (5,): ("write latency", measure_write_latency),
    (6,): ("writer and COPY", measure_copy),
    (7,): ("bytes an event", measure_size),
    (8, 9): ("memory and restart", measure_backlog),
    (10,): ("policies", measure_policies),
    (11,): ("retention", measure_retention),
    (12,): ("reads", measure_reads),
    (13,): ("calls of the library", measure_calls),
    (14,): ("ingestion by HTTP", measure_ingestion),
}
NUMBERS = sorted(number for numbers in MEASUREMENTS for number in numbers)

EPILOG = """
What is measured:

(1) ceiling of a bare client; (2) the operator draining a backlog; (3) API writes a search;
(4) latency at fixed rates; (5) write latency; (6) writer against COPY; (7) bytes an event;
(8) memory; (9) restart; (10) many policies;
(11) retention; (12) reads; (13) calls of the client library;
(14) ingestion by HTTP. docs/explanation/performance.md says how.

Examples:

  make bench

  make bench ARGS="--quick"

  make bench ARGS="--only 1,2"

  make bench ARGS="--only 12 --events 1000000"

  make bench ARGS="--profile --update-docs"

Exit codes: 0 measured, limits met or not; 1 a measurement failed; 2 a wrong command line;
130 interrupted, with a table of what was measured until then.
"""

INTERRUPTED = 130
PLAIN_WIDTH = 160
"""Of the table, where it does not go to a terminal."""

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
progress = Console(stderr=True)


def chosen(text: str) -> frozenset[int]:
    """Read the numbers of `--only`."""
    if not text:
        return frozenset(NUMBERS)
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) in NUMBERS for part in parts):
        raise typer.BadParameter(
            f"{text!r}: give numbers from 1 to {NUMBERS[-1]} with commas between, as 1,2"
        )
    return frozenset(int(part) for part in parts)


@app.command(epilog=EPILOG)
def run(
    *,
    only: Annotated[str, typer.Option(help="Numbers of measurements, e.g. 1,2.")] = "",
    quick: Annotated[bool, typer.Option(help="Small sizes: only to see that it works.")] = False,
    events: Annotated[
        int | None, typer.Option(min=1000, help="Events among which is read; 10,000,000.")
    ] = None,
    profile: Annotated[
        bool, typer.Option(help="Instead: drain (2) with the operator under two profilers.")
    ] = False,
    update_docs: Annotated[
        bool, typer.Option(help="Write the table, or the profile, into performance.md.")
    ] = False,
) -> None:
    """Measure speed and size; prints a table and writes bench-results/TIME.json.

    Everything runs on this machine in an environment of its own, which is gone afterwards. Leave
    the machine alone meanwhile: on 2 cores ten minutes and more, and an hour and 25 GB for the ten
    million events of (12).
    """
    wanted = chosen(only)
    documented = profile or len(wanted) == len(NUMBERS) or wanted <= OWN_TABLES.keys()
    if update_docs and (quick or not documented):
        alone = ", ".join(map(str, OWN_TABLES))
        raise typer.BadParameter(
            f"--update-docs needs a full run or --only with {alone}, and none with --quick"
        )
    sizes = QUICK if quick else FULL
    if events:
        sizes = replace(sizes, events=events)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with LocalEnvironment.temporary(hooks=[prepare, allow_requester]) as environment:
            corpus = Corpus(bundled("examples/searches.jsonl"))
            bench = Bench(environment, sizes, corpus, wanted)
            if profile:
                code = _profile(bench, update_docs=update_docs)
            else:
                code = _measure(bench, quick=quick, update_docs=update_docs)
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def _measure(bench: Bench, *, quick: bool, update_docs: bool) -> int:
    facts = asyncio.run(machine_facts(bench.environment))
    failures: dict[str, str] = {}
    title = "Workflow Audit" + (" (quick: figures mean little)" if quick else "")
    try:
        for numbers, (name, measure) in MEASUREMENTS.items():
            if bench.wants(*numbers):
                _attempt(bench, name, measure, failures)
    except KeyboardInterrupt:
        show(console, bench.figures, facts, f"{title}: interrupted")
        write_json(bench.figures, facts, asdict(bench.sizes), bench.details, {"all": "interrupted"})
        return INTERRUPTED
    show(console, bench.figures, facts, title)
    file = write_json(bench.figures, facts, asdict(bench.sizes), bench.details, failures)
    console.print(f"written: {file}", soft_wrap=True)
    for name, failure in failures.items():
        progress.print(f"{name} failed: {failure}", style="red", markup=False)
    if update_docs and not failures:
        update_tables(bench.figures, facts)
    return 1 if failures else 0


def _attempt(bench: Bench, name: str, measure: Measure, failures: dict[str, str]) -> None:
    """Run one measurement; its failure must not cost the figures of the others."""

    async def run_it() -> None:
        await measure(bench)

    try:
        uvloop.run(run_it())
    except Exception as error:  # whatever it is, it is reported
        logging.getLogger("bench").exception("%s failed", name)
        failures[name] = f"{type(error).__name__}: {error}"


def _profile(bench: Bench, *, update_docs: bool) -> int:
    profiling.profile(bench, console, update_docs=update_docs)
    return 0


if __name__ == "__main__":
    app()
