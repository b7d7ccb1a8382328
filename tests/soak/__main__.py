"""The command line: `make soak`, or `PYTHONPATH=tests python -m soak`."""

import asyncio
import logging
import random
import signal
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from bench.corpus import Corpus
from bench.documentation import update_soak
from bench.machine import machine_facts
from bench.report import RESULTS, show, write_json
from soak.judging import broken
from soak.plan import Plan
from soak.running import Result, soak
from soak.timeline import Timeline
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import prepare
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.progress import reported
from workflow_audit.wiring.running import utc_now

FULL_MINUTES = 30.0
SEEDS = 1_000_000
INTERRUPTED = 130
PLAIN_WIDTH = 160
"""Of the table, where it does not go to a terminal."""

EPILOG = """
Searches are created all the time. Meanwhile operators and servers of readers are killed, database
and API server restarted, policies changed, old events and searches removed; and everything is read.
docs/explanation/performance.md says which promises are held against the result.

Examples:

  make soak

  make soak ARGS="--minutes 3"

  make soak ARGS="--minutes 3 --seed 4711"

  make soak ARGS="--update-docs"

Exit codes: 0 every promise was kept, 1 one was broken, 2 a wrong command line, 130 interrupted.
"""

app = typer.Typer(add_completion=False, rich_markup_mode="rich")
console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
progress = Console(stderr=True)


@app.command(epilog=EPILOG)
def run(
    *,
    minutes: Annotated[
        float, typer.Option(min=0.5, help="How long searches are created.")
    ] = FULL_MINUTES,
    per_second: Annotated[float, typer.Option(min=1, help="Searches created a second.")] = 30.0,
    seed: Annotated[
        int | None, typer.Option(help="Of the order of events; random, and printed.")
    ] = None,
    update_docs: Annotated[
        bool, typer.Option(help="Write the table into docs/explanation/performance.md.")
    ] = False,
) -> None:
    """Run everything while everything goes wrong, and judge what is left.

    Prints a table, and writes bench-results/soak-TIME.json and a log of what happened when.
    Everything runs on this machine in an environment of its own, which is gone afterwards.
    """
    if update_docs and minutes < FULL_MINUTES:
        raise typer.BadParameter(f"--update-docs needs at least --minutes {FULL_MINUTES:g}")
    chosen = random.randrange(SEEDS) if seed is None else seed  # noqa: S311 - no secret
    plan = Plan(minutes=minutes, per_second=per_second, seed=chosen)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        code = _soaked(plan, update_docs=update_docs)
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def _soaked(plan: Plan, *, update_docs: bool) -> int:
    stamp = utc_now().strftime("%Y%m%dT%H%M%SZ")
    progress.print(f"seed {plan.seed}: give it with --seed to have the same order of events")
    with (
        LocalEnvironment.temporary(hooks=[prepare]) as environment,
        Timeline(RESULTS / f"soak-{stamp}.log") as timeline,
        reported(f"soak of {plan.minutes:g} minutes") as report,
    ):
        facts = asyncio.run(machine_facts(environment))
        corpus = Corpus(bundled("examples/searches.jsonl"))

        def tell(state: str, seconds: float) -> None:
            report.update(state, min(seconds, plan.seconds), plan.seconds)

        result = soak(environment, corpus, plan, timeline, tell)
    return _told(plan, facts, result, timeline, update_docs=update_docs)


def _told(
    plan: Plan, facts: dict[str, object], result: Result, timeline: Timeline, *, update_docs: bool
) -> int:
    show(console, result.figures, facts, f"Soak of {plan.minutes:g} minutes, seed {plan.seed}")
    found = result.findings
    wrong = [f"{read.kind}: {read.words}" for read in found.reads if read.verdict == "broken"]
    file = write_json(
        result.figures,
        facts,
        asdict(plan),
        {**found.details, "wrong answers": wrong, "timeline": timeline.entries},
        {str(number): failure for number, failure in enumerate(found.failures, 1)},
        prefix="soak-",
    )
    console.print(f"written: {file} and {timeline.file}", soft_wrap=True)
    failed = broken(result.figures)
    for line in [*(f"broken: {figure.name}: {figure.shown}" for figure in failed), *found.failures]:
        progress.print(line, style="red", markup=False)
    if update_docs:
        update_soak(result.figures, facts, plan.minutes)
    return 1 if failed else 0


if __name__ == "__main__":
    app()
