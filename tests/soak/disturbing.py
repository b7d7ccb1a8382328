"""Storms: programs are killed, database and API server go and come back, policies change."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from soak.plan import KEPT, SWITCHED, Plan
from soak.preparing import change_policy
from soak.programs import APISERVER, OPERATOR, Program
from soak.timeline import Timeline
from support.api import Api
from support.eventually import eventually
from workflow_audit.errors import LocalError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.postgres import StopMode

PAUSE_SECONDS = (1.0, 6.0)
DOWN_SECONDS = (0.0, 3.0)
AT_A_TIME = 3
START_ATTEMPTS = 5
POLICY_SECONDS = 60.0

Disturb = Callable[[], bool]
"""Disturbs something; tells whether there was something to disturb."""

CHANGES: Sequence[Mapping[str, object]] = (
    {"limits": {"maxWorkflows": 3}},
    {"limits": None},
    {"scoring": {"weights": {"resource-management": {"boost": 0.2, "penalty": 0.05}}}},
    {"redaction": {"builtin": ["email", "ipv4"]}},
    {"redaction": None, "scoring": None},
)


class Disturbing:
    """Disturbs everything in an order that the seed gives; no kind twice before each came once."""

    def __init__(
        self,
        plan: Plan,
        environment: LocalEnvironment,
        api: Api,
        programs: Sequence[Program],
        timeline: Timeline,
    ) -> None:
        self._plan, self._environment, self._api = plan, environment, api
        self._programs, self._timeline = programs, timeline
        self._random = plan.random("disturbances")
        self._postgres, self._api_server = threading.Lock(), threading.Lock()
        self._policy = threading.Lock()
        self._room = threading.Semaphore(AT_A_TIME)
        """On a slow machine disturbances must not queue up until all is down all the time."""
        self._enabled = True
        self._deck: list[tuple[str, Disturb]] = []
        self.done: dict[str, int] = {}
        """How many disturbances there were, by kind."""
        self.failures: list[str] = []

    def run(self, stopping: threading.Event) -> None:
        """Let storms and calms follow each other until told to stop, then mend everything."""
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            while not stopping.wait(self._random.uniform(*PAUSE_SECONDS)):
                rest = self._plan.cycle_seconds - self._timeline.now % self._plan.cycle_seconds
                if self._timeline.now % self._plan.cycle_seconds > self._plan.storm_seconds:
                    stopping.wait(rest)
                    continue
                if self._room.acquire(blocking=False):
                    pool.submit(self._disturb, *self._next())
        self._switch(enabled=True)

    def _next(self) -> tuple[str, Disturb]:
        if not self._deck:
            self._deck = self._all()
            self._random.shuffle(self._deck)
        return self._deck.pop()

    def _all(self) -> list[tuple[str, Disturb]]:
        seed = self._random.random()
        modes: tuple[StopMode, ...] = ("immediate", "fast")
        kills = [
            (f"{kind} {number.name}", self._ending(kind, number, Random(f"{seed} {kind} {number}")))  # noqa: S311
            for kind in (OPERATOR, APISERVER)
            for number in (signal.SIGKILL, signal.SIGTERM)
        ]
        restarts = [(f"database {mode}", self._restarting(mode)) for mode in modes]
        change = Random(f"{seed} change").choice(CHANGES)  # noqa: S311
        return [
            *kills,
            *restarts,
            ("API server restart", self._restart_api_server),
            ("policy switched", lambda: self._switch(enabled=not self._enabled)),
            ("policy changed", lambda: self._change(KEPT, dict(change))),
        ]

    def _disturb(self, kind: str, disturb: Disturb) -> None:
        began = self._timeline.now
        self._timeline.say(kind)
        try:
            if disturb():
                self.done[kind] = self.done.get(kind, 0) + 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported
            self.failures.append(f"{kind}: {type(error).__name__}: {error}")
            self._timeline.say(f"{kind} failed: {error!r:.300}")
        else:
            self._timeline.say(f"{kind}: over")
        finally:
            self._timeline.disturbed(began)
            self._room.release()

    def _ending(self, kind: str, by: signal.Signals, random: Random) -> Disturb:
        down = random.uniform(*DOWN_SECONDS)

        def end() -> bool:
            program = random.choice(self._mortal(kind))
            if not program.busy.acquire(blocking=False):
                return False  # it is down already
            try:
                program.end(by)
                time.sleep(down)
                program.start()
                program.wait_ready()
            finally:
                program.busy.release()
            return True

        return end

    def _mortal(self, kind: str) -> list[Program]:
        """Give those that may be ended: from some time on the first of each kind is spared."""
        found = [program for program in self._programs if program.name.startswith(kind)]
        return found[1:] if self._timeline.now > self._plan.spared_from_seconds else found

    def _restarting(self, mode: StopMode) -> Disturb:
        postgres = self._environment.postgres
        return lambda: _restarted(self._postgres, lambda: postgres.stop(mode), postgres.start)

    def _restart_api_server(self) -> bool:
        plane = self._environment.control_plane
        return _restarted(self._api_server, plane.stop_api_server, plane.start_api_server)

    def _switch(self, *, enabled: bool) -> bool:
        with self._policy:
            self._change(SWITCHED, {"enabled": enabled})
            self._enabled = enabled
        return True

    def _change(self, namespace: str, spec: dict[str, object]) -> bool:
        """Change a policy, as soon as the API server lets us."""
        return eventually(
            lambda: change_policy(self._api, namespace, spec), within_seconds=POLICY_SECONDS
        )


def _restarted(busy: threading.Lock, stop: Callable[[], None], start: Callable[[], None]) -> bool:
    """Stop and start a server, unless that is going on; on a busy machine a start takes a while."""
    if not busy.acquire(blocking=False):
        return False
    try:
        stop()
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                start()
            except LocalError:
                if attempt == START_ATTEMPTS:
                    raise
            else:
                break
    finally:
        busy.release()
    return True
