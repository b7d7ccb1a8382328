"""Readers of all kinds who never stop asking, and know what the answer must contain."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import urllib3

from soak.creating import Accepted, Creating
from soak.judged import Read, Verdict, aggregated_verdict, kubectl_verdict, rest_verdict
from soak.outcomes import Outcomes
from soak.plan import KEPT
from soak.timeline import Timeline
from support.api import Api
from support.reading import ROOT, ReadingServer

PAUSES_SECONDS = {"REST page": 0.2, "get one event": 0.3, "export": 5.0, "kubectl": 3.0}
RECENT_SECONDS = 20.0
LOOK_BACK_SECONDS = 60.0
EVENTS = "/api/v1/audit/events"
KUBECTL_SECONDS = 60


@dataclass
class Reading:
    """Reads for as long as it may, and judges each answer."""

    creating: Creating
    outcomes: Outcomes
    timeline: Timeline
    server: ReadingServer
    token: str
    auditor: Api
    random: Random
    reads: list[Read] = field(default_factory=list)

    def readers(self) -> dict[str, Callable[[threading.Event], None]]:
        """Give what each thread has to run."""
        work = {
            "REST page": self._rest_page,
            "get one event": self._one_event,
            "export": self._export,
            "kubectl": self._kubectl,
        }

        def running(kind: str) -> Callable[[threading.Event], None]:
            def run(stopping: threading.Event) -> None:
                while not stopping.wait(PAUSES_SECONDS[kind]):
                    self._judged(kind, work[kind])

            return run

        return {kind: running(kind) for kind in work}

    def _judged(self, kind: str, read: Callable[[], tuple[Verdict, str] | None]) -> None:
        began = self.timeline.now
        try:
            found = read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            found = "unavailable", f"{type(error).__name__}"
        if found is None:
            return  # there was nothing yet to ask for
        verdict, words = found
        self.reads.append(Read(kind, began, self.timeline.now - began, verdict, words))
        if verdict == "broken":
            self.timeline.say(f"BROKEN {kind}: {words}")

    def _rest_page(self) -> tuple[Verdict, str] | None:
        if not self._recorded():
            return None
        answer = self._asked(f"{EVENTS}?namespace={KEPT}&limit=50")
        verdict, words = rest_verdict(answer.status, answer.headers, answer.content)
        if verdict == "answered" and not answer.body["data"]:
            return "broken", "an empty page"
        return verdict, words

    def _one_event(self) -> tuple[Verdict, str] | None:
        """Read through the API server what status has just called recorded."""
        if not (known := self._recorded()):
            return None
        wanted = self.outcomes.event_ids[self.random.choice(known).uid]
        answer = self.auditor.request("GET", f"{ROOT}/namespaces/{KEPT}/auditevents/{wanted}")
        return aggregated_verdict(answer.status, answer.body)

    def _export(self) -> tuple[Verdict, str] | None:
        """Export the last minutes: what was recorded before must be in it, or it must be cut."""
        known = self._recorded(LOOK_BACK_SECONDS)
        if not known:
            return None
        answer = self._asked(f"{EVENTS}/export?namespace={KEPT}&since=3m")
        verdict, words = rest_verdict(answer.status, answer.headers, answer.content)
        if verdict != "answered":
            return verdict, words
        lines = [json.loads(line) for line in answer.content.splitlines()]
        if not lines or lines[-1].get("kind") != "end":
            return "unavailable", "an export that is cut"
        found = {line["event_id"] for line in lines[:-1]}
        missing = {self.outcomes.event_ids[search.uid] for search in known} - found
        return ("broken", f"an export lacks {len(missing)} events") if missing else ("answered", "")

    def _kubectl(self) -> tuple[Verdict, str] | None:
        if not (known := self._recorded()):
            return None
        event_id = self.outcomes.event_ids[self.random.choice(known).uid]
        environment = self.server.environment
        done = subprocess.run(
            [
                str(environment.control_plane.kubectl),
                *("get", "auditevents", "-n", KEPT, "-o", "name"),
                f"--field-selector=eventId={event_id}",
            ],
            env={"KUBECONFIG": str(environment.kubeconfig), "HOME": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
            timeout=KUBECTL_SECONDS,
        )
        verdict, words = kubectl_verdict(done.returncode, done.stderr)
        if verdict == "answered" and event_id not in done.stdout:
            return "broken", f"the event {event_id} is not there: {done.stdout!r}"
        return verdict, words

    def _asked(self, path: str) -> Any:
        return self.server.get(path, [("Authorization", f"Bearer {self.token}")])

    def _recorded(self, within_seconds: float = RECENT_SECONDS) -> list[Accepted]:
        """Give searches of the last seconds that stay and whose status says Recorded."""
        since = self.timeline.now - within_seconds
        recent = [search for search in list(self.creating.accepted.values()) if search.at > since]
        known = self.outcomes.event_ids
        return [search for search in recent if search.namespace == KEPT and search.uid in known]


class Following:
    """`workflow-audit events watch`, which must not miss an event from its first one on."""

    def __init__(self, program: Path, kubeconfig: Path, output: Path) -> None:
        self._output = output
        self._taken = output.open("wb")
        self._complaints = output.with_suffix(".err")
        self._said = self._complaints.open("wb")
        self._process = subprocess.Popen(
            [program, "events", "watch", "-n", KEPT, "-o", "json"],
            env={"KUBECONFIG": str(kubeconfig), "HOME": "/nonexistent"},
            stdout=self._taken,
            stderr=self._said,
        )

    def shown(self) -> list[str]:
        """Give the ids of the events that it has printed so far."""
        return [metadata["name"] for metadata in self._metadata()]

    @property
    def first_position(self) -> int:
        """Position of its first event: it begins while others are recorded already."""
        begun = [int(metadata["resourceVersion"]) - 1 for metadata in self._metadata()[:1]]
        return begun[0] if begun else 0

    def _metadata(self) -> list[dict[str, str]]:
        lines = self._output.read_bytes().split(b"\n")[:-1]
        return [json.loads(line)["metadata"] for line in lines]

    @property
    def complaints(self) -> str:
        """The end of what it had to complain of."""
        return self._complaints.read_text(encoding="utf-8")[-500:]

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._taken.close()
        self._said.close()
