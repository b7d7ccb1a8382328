"""One soak, from its namespaces to its findings."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from bench.corpus import Corpus
from bench.figures import Figure
from soak import preparing
from soak.creating import THREADS, Creating
from soak.disturbing import Disturbing
from soak.judging import Findings, figures
from soak.outcomes import Outcomes
from soak.plan import KEPT, NAMESPACES, OLD, PASSING, Plan
from soak.programs import Life, MemoryLooks, Program, apiservers, operators
from soak.reading import Following, Reading
from soak.service import Service
from soak.timeline import Timeline
from support.api import GROUP_PATH, SEARCHES, Api
from support.eventually import eventually
from support.example_catalogue import example_catalogue
from support.reader import PROGRAM
from support.reading import ReadingServer
from workflow_audit.cli.local_apiserver import register, serving_of, unregister
from workflow_audit.local.environment import LocalEnvironment

SETTLE_SECONDS = 240.0
REPORT_SECONDS = 0.5
COUNT = 2
"""Operators, and servers of readers."""

Work = Callable[[threading.Event], None]


@dataclass(frozen=True)
class Result:
    """What came of a soak."""

    figures: Sequence[Figure]
    findings: Findings


def soak(
    environment: LocalEnvironment,
    corpus: Corpus,
    plan: Plan,
    timeline: Timeline,
    report: Callable[[str, float], None],
) -> Result:
    """Run it in a prepared environment, which is afterwards as it was.

    Args:
        environment: with definitions, rights and schema.
        corpus: the searches.
        plan: how long, how many, in which order.
        timeline: takes what happens.
        report: told the state and the seconds since the beginning.
    """
    with ExitStack() as stack:
        return _Soak(environment, corpus, plan, timeline, stack).run(report)


class _Soak:
    def __init__(
        self,
        environment: LocalEnvironment,
        corpus: Corpus,
        plan: Plan,
        timeline: Timeline,
        stack: ExitStack,
    ) -> None:
        self._environment, self._plan, self._timeline = environment, plan, timeline
        self._api = stack.enter_context(Api(environment))
        stack.enter_context(preparing.namespaces(self._api))
        catalogue = stack.enter_context(example_catalogue())
        stack.enter_context(preparing.policies(self._api, plan, catalogue))
        self._cluster_id = self._api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        preparing.make_old_events(environment, self._cluster_id)
        _, token = stack.enter_context(preparing.auditor(self._api))
        schedule = {"AUDIT_RETENTION_SCHEDULE": "* * * * *"}
        self._operators = operators(environment, timeline, COUNT, schedule)
        self._servers = apiservers(environment, timeline, COUNT)
        stack.enter_context(_ended(self.programs))
        service = stack.enter_context(Service(list(self._servers), plan.random("service")))
        self._started(self.programs)
        stack.enter_context(_registered(environment, service.port))
        self._creating = Creating(plan, corpus, self._api, timeline)
        self._outcomes = Outcomes(self._api, timeline)
        self._reading = Reading(
            creating=self._creating,
            outcomes=self._outcomes,
            timeline=timeline,
            server=ReadingServer(environment, service.port),
            token=token,
            auditor=self._api,
            random=plan.random("reads"),
        )
        self._disturbing = Disturbing(plan, environment, self._api, self.programs, timeline)
        watched = environment.folder / "soak-watch"
        self._following = Following(PROGRAM, environment.kubeconfig, watched)
        stack.callback(self._following.end)

    @property
    def programs(self) -> list[Program]:
        """All that are killed."""
        return [*self._operators, *self._servers.values()]

    def _started(self, programs: Sequence[Program]) -> None:
        for program in programs:
            program.start()
        for program in programs:
            program.wait_ready()
        self._timeline.say("everything is ready")

    def run(self, report: Callable[[str, float], None]) -> Result:
        """Create, disturb, read; then wait until all is done, and judge."""
        creating, watching = threading.Event(), threading.Event()
        beside = {"memory": MemoryLooks(self.programs).run, "disturb": self._disturbing.run}
        beside |= {f"create-{number}": self._creating.run for number in range(THREADS)}
        failures: list[str] = []
        eventually(self._watch_has_begun, within_seconds=SETTLE_SECONDS)
        self._timeline.begin()
        with _running({"outcomes": self._outcomes.run}, watching, failures):
            with _running(beside | self._reading.readers(), creating, failures):
                self._wait(creating, report)
                spared = (self._operators[0], next(iter(self._servers.values())))
                lives = {program.name: program.lives[-1] for program in spared}
            failures += self._settled(report)
        for program in self.programs:
            program.end(signal.SIGTERM)
        findings = self._findings(lives, failures)
        return Result(figures(findings, self._timeline), findings)

    def _watch_has_begun(self) -> bool:
        """Create a search, so that a watch that has begun shows something."""
        self._creating.create_one(KEPT)
        return bool(self._following.shown())

    def _wait(self, stopping: threading.Event, report: Callable[[str, float], None]) -> None:
        end = time.monotonic() + self._plan.seconds
        while time.monotonic() < end and not stopping.wait(REPORT_SECONDS):
            report(self._state(), self._timeline.now)

    def _state(self) -> str:
        accepted, final = len(self._creating.accepted), len(self._outcomes.final)
        disturbances = sum(self._disturbing.done.values())
        return f"{accepted} searches, {final} final, {disturbances} disturbances"

    def _settled(self, report: Callable[[str, float], None]) -> list[str]:
        """Wait until everything that was begun is done; give what is not."""
        self._timeline.say("no more disturbances; waiting until everything is done")
        report("waiting until everything is done", self._timeline.now)
        waits: dict[str, Callable[[], object]] = {
            "programs that do not become ready": lambda: all(
                program.ready() for program in self.programs
            ),
            "searches without a final phase": lambda: not self._unfinished(),
            "expired events that stay": lambda: self._old("rr-old") == 0,
            "events that the watch did not show": lambda: (
                not self._following.runs
                or not set(self._event_ids()) - set(self._following.shown())
            ),
            "searches that the watch of outcomes did not show": lambda: (
                self._creating.accepted.keys() <= self._outcomes.final.keys()
            ),
        }
        left = []
        for what, is_done in waits.items():
            try:
                eventually(is_done, within_seconds=SETTLE_SECONDS)
            except AssertionError:
                left.append(f"{what}, after {SETTLE_SECONDS:g} s")
        if not self._following.runs:
            left.append(f"the watch of events has ended: {self._following.complaints}")
        self._timeline.say("settled" if not left else "not settled: " + "; ".join(left))
        return left

    def _findings(self, lives: dict[str, Life], failures: list[str]) -> Findings:
        creating, disturbing = self._creating, self._disturbing
        of_programs = [failure for program in self.programs for failure in program.failures]
        there = {item["metadata"]["uid"] for item in self._listed(PASSING)}
        passing = [s.uid for s in creating.accepted.values() if s.namespace == PASSING]
        return Findings(
            accepted=creating.accepted,
            shown=self._outcomes.shown,
            rows={name: self._rows(name) for name in NAMESPACES},
            final=self._outcomes.final,
            unfinished=[
                *self._unfinished(),
                *(creating.accepted.keys() - self._outcomes.final.keys()),
            ],
            changed=self._outcomes.changed,
            reads=self._reading.reads,
            watched=self._following.shown(),
            expected_watched=self._event_ids(),
            lives=lives,
            failures=[*failures, *of_programs, *creating.mistakes, *disturbing.failures],
            disturbances=disturbing.done,
            old_left=self._old("rr-old"),
            held_left=self._old(preparing.HELD),
            held=preparing.HELD_EVENTS,
            passed=len(set(passing) - there),
            details={
                "malformed searches, refused": creating.refused,
                "creations without an answer that had happened": creating.looked_up,
                "skipped, and then recorded": self._outcomes.recorded_after_all,
                "lists of the watch of outcomes": self._outcomes.lists,
                "memory of the spared, bytes by second": {
                    name: life.memory for name, life in lives.items()
                },
            },
        )

    def _unfinished(self) -> list[str]:
        query = "?fieldSelector=status.phase!=Recorded,status.phase!=Skipped&limit=500"
        items = self._api.get(f"{GROUP_PATH}/{SEARCHES}{query}")["items"]
        return [
            item["metadata"]["name"]
            for item in items
            if item["metadata"]["namespace"] in NAMESPACES
        ]

    def _listed(self, namespace: str) -> list[dict[str, dict[str, str]]]:
        items: list[dict[str, dict[str, str]]] = self._api.get(
            f"{GROUP_PATH}/namespaces/{namespace}/{SEARCHES}"
        )["items"]
        return items

    def _rows(self, namespace: str) -> list[str]:
        return self._column("SELECT resource_id FROM audit_events WHERE namespace = %s", namespace)

    def _event_ids(self) -> list[str]:
        """Give the events that the watch must have shown."""
        statement = (
            "SELECT event_id::text FROM audit_events WHERE namespace = %s AND position >= %s"
        )
        return self._column(statement, KEPT, self._following.first_position)

    def _old(self, correlation: str) -> int:
        statement = (
            "SELECT event_id::text FROM audit_events WHERE namespace = %s AND correlation_id = %s"
        )
        return len(self._column(statement, OLD, correlation))

    def _column(self, statement: str, *values: object) -> list[str]:
        with psycopg.connect(self._environment.postgres.superuser_url) as connection:
            return [text for (text,) in connection.execute(statement.encode(), values)]


@contextmanager
def _running(
    works: Mapping[str, Work], stopping: threading.Event, failures: list[str]
) -> Iterator[None]:
    """Let works run, each in a thread of its own, until the block ends."""
    threads = [
        threading.Thread(target=_guarded(name, work, stopping, failures), name=name)
        for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _guarded(
    name: str, work: Work, stopping: threading.Event, failures: list[str]
) -> Callable[[], None]:
    """Give work that is noted when it fails, instead of being missed."""

    def run() -> None:
        try:
            work(stopping)
        except BaseException as error:
            failures.append(f"{name}: {type(error).__name__}: {error}")
            raise

    return run


@contextmanager
def _ended(programs: Sequence[Program]) -> Iterator[None]:
    """Kill what is left at the end, however that came."""
    try:
        yield
    finally:
        for program in programs:
            program.kill()


@contextmanager
def _registered(environment: LocalEnvironment, port: int) -> Iterator[None]:
    register(environment, port, serving_of(environment).authority)
    try:
        yield
    finally:
        unregister(environment)
