"""Run the operator: probes first, then services, then kopf; stop in reverse.

kopf ends when its watch fails in a way that it does not know, such as an expired page of a long
list. It is then started again, which lists the unrecorded searches only: the operator itself ends
on a signal, or where waiting mends nothing.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Collection, Iterator
from pathlib import Path
from typing import Any, cast

import kopf

from workflow_audit.handlers import searches
from workflow_audit.handlers.flow import Flow
from workflow_audit.handlers.session import login_with
from workflow_audit.handlers.statuses import Statuses
from workflow_audit.handlers.storages import NoMemories
from workflow_audit.handlers.tuning import kopf_settings
from workflow_audit.handlers.watch_activity import WatchActivity
from workflow_audit.probes import probe_server
from workflow_audit.settings.loading import Settings
from workflow_audit.wiring import Services, open_services

log = logging.getLogger(__name__)

RESTART_SECONDS = 2.0

RELIST_SECONDS = 30
"""How long other searches go on before a refused status makes kopf list again."""

KOPF_FOLDER = Path(kopf.__file__).parent

Checks = dict[str, Callable[[], Awaitable[str | None]]]


async def run_operator(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        AuditError: something that no waiting mends, such as a schema of another version.
    """
    stopping = asyncio.Event()
    _on_signals(stopping)
    start = Start()
    checks: Checks = {"start": start.problem}
    async with probe_server(settings.http, checks):
        work = asyncio.create_task(_work(settings, start, checks, stopping), name="operator")
        stop = asyncio.create_task(stopping.wait(), name="stop")
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not work.done() and "start" in checks:
            work.cancel()  # still waiting for the database or the API server
        await asyncio.gather(work, return_exceptions=work.cancelling() > 0)
    log.info("stopped")


class Start:
    """What the start waits for, as readiness tells it."""

    def __init__(self) -> None:
        self._waits_for = "starting"

    def waits_for(self, missing: str) -> None:
        """Note what is missing."""
        self._waits_for = missing

    async def problem(self) -> str | None:
        """Say what is missing."""
        return self._waits_for


async def _work(settings: Settings, start: Start, checks: Checks, stopping: asyncio.Event) -> None:
    async with open_services(settings, start.waits_for) as services:
        flow = Flow(settings.operator.searches_in_flight, settings.operator.connections)
        activity = WatchActivity(flow)

        async def watch_problem() -> str | None:
            return activity.problem

        checks.clear()
        checks.update(services.checks, watch=watch_problem)
        gc.freeze()  # else what was imported is looked through again and again: 8 % of the time
        log.info("recording searches")
        await _watch_until_stopped(settings, services, activity, flow, stopping)


async def _watch_until_stopped(
    settings: Settings,
    services: Services,
    activity: WatchActivity,
    flow: Flow,
    stopping: asyncio.Event,
) -> None:
    registry = kopf.OperatorRegistry()
    login = login_with(activity, flow)
    kopf.on.login(registry=registry)(login)
    searches.register(registry)
    tuned = kopf_settings(settings.operator)
    statuses = Statuses(tuned)
    while not stopping.is_set():
        statuses.refused.clear()
        round_over = asyncio.Event()
        ending = asyncio.create_task(_end_round(round_over, statuses, stopping), name="round")
        try:
            tasks = await kopf.spawn_tasks(
                registry=registry,
                settings=tuned,
                memories=NoMemories(),
                memo=searches.Memo(services.recorder, statuses, services.clock, flow),
                standalone=True,
                clusterwide=True,
                stop_flag=round_over,
            )
            _on_signals(stopping)  # kopf's own handlers would not tell us of a signal
            await kopf.run_tasks(tasks, ignored=_TasksOfOthers())
        except Exception:
            log.exception("the watch failed; it starts again")
            await asyncio.sleep(RESTART_SECONDS)
        finally:
            ending.cancel()


class _TasksOfOthers(Collection[asyncio.Task[Any]]):
    """All tasks that kopf did not start.

    kopf ends every task that is younger than itself and not in here. The pool and the writer go
    on when kopf starts again, and they start tasks at any time: up to Python 3.11 each wait with a
    time-out is one. Without this they die in the middle, and the operator with them.
    """

    def __contains__(self, task: object) -> bool:
        code = getattr(cast("asyncio.Task[Any]", task).get_coro(), "cr_code", None)
        return code is None or not Path(code.co_filename).is_relative_to(KOPF_FOLDER)

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return (task for task in asyncio.all_tasks() if task in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


async def _end_round(
    round_over: asyncio.Event, statuses: Statuses, stopping: asyncio.Event
) -> None:
    """End kopf's present round on a signal, or some time after a status was refused."""
    refused = asyncio.create_task(statuses.refused.wait())
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({refused, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            log.warning("a status was refused; searches are listed again in %d s", RELIST_SECONDS)
            await asyncio.wait({stopped}, timeout=RELIST_SECONDS)
        round_over.set()
    finally:
        refused.cancel()
        stopped.cancel()


def _on_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
