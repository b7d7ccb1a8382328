"""Agents without end: searches at a steady rate, through everything that happens."""

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Any

import urllib3

from bench.corpus import Corpus
from soak.plan import KEPT, PASSING, SWITCHED, Plan
from soak.timeline import Timeline
from support.api import GROUP_PATH, SEARCHES, Answer, Api
from support.malformed import MALFORMED

THREADS = 8
RETRY_SECONDS = 0.2
ASKED_AGAIN = {403, 404, 429, 500, 502, 503, 504}
"""What an API server answers that is just coming up, or overloaded; a searcher tries again."""

REFUSED = {400, 422}
RUN_BY_OPERATOR, BROKEN = 0.08, 0.03
"""Shares of searches without an answer, and of such that the schema refuses."""

WEIGHTS = {KEPT: 50, PASSING: 30, SWITCHED: 20}

Json = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """A search that the API server has taken."""

    uid: str
    namespace: str
    name: str
    at: float
    """When it said so."""


class _RefusedError(Exception):
    """A good search was not taken."""


class Creating:
    """Creates searches, and remembers those that were accepted."""

    def __init__(self, plan: Plan, corpus: Corpus, api: Api, timeline: Timeline) -> None:
        self._plan, self._corpus, self._api, self._timeline = plan, corpus, api, timeline
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self.accepted: dict[str, Accepted] = {}
        """By uid."""
        self.refused = 0
        """Malformed ones, as they should be."""
        self.looked_up = 0
        """Those whose creation had no answer, and that were there nevertheless."""
        self.mistakes: list[str] = []

    def run(self, stopping: threading.Event) -> None:
        """Create until told to stop; one of several threads."""
        with self._lock:
            began = time.monotonic() - next(self._numbers) / self._plan.per_second
        while not stopping.is_set():
            with self._lock:
                number = next(self._numbers)
            due = began + number / self._plan.per_second
            if stopping.wait(max(due - time.monotonic(), 0)):
                return
            self._create(number)

    def create_one(self, namespace: str) -> None:
        """Create one search that has an answer."""
        with self._lock:
            number = next(self._numbers)
        self._accepted(namespace, f"s-{number:06}", self._corpus.manifest(0)["spec"])

    def _create(self, number: int) -> None:
        random = self._plan.random(f"search {number}")
        kind = random.random()
        name = f"s-{number:06}"
        (namespace,) = random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if kind < BROKEN:
            self._refused(namespace, name, random.choice(MALFORMED).spec)
        else:
            spec = self._corpus.manifest(number)["spec"]
            self._accepted(
                namespace, name, unanswered(spec) if kind < BROKEN + RUN_BY_OPERATOR else spec
            )

    def _accepted(self, namespace: str, name: str, spec: Json) -> None:
        """Try until it is there; also when creating has stopped, or it would be in doubt."""
        try:
            while (metadata := self._attempt(namespace, name, spec)) is None:
                time.sleep(RETRY_SECONDS)
        except _RefusedError as error:
            self.mistakes.append(f"{name} was refused: {error}")
            return
        uid = metadata["uid"]
        with self._lock:
            self.accepted[uid] = Accepted(uid, namespace, name, self._timeline.now)

    def _attempt(self, namespace: str, name: str, spec: Json) -> Json | None:
        try:
            answer = self._post(namespace, name, spec)
        except urllib3.exceptions.HTTPError:
            return self._found(namespace, name)
        if answer.status == 201:
            created: Json = answer.body["metadata"]
            return created
        if answer.status == 409 or answer.status >= 500:
            return self._found(namespace, name)
        if answer.status not in ASKED_AGAIN:
            raise _RefusedError(f"{answer.status} {answer.message:.300}")
        return None

    def _found(self, namespace: str, name: str) -> Json | None:
        """Look up a search of which it is not known whether it was taken."""
        while True:
            try:
                answer = self._api.request("GET", f"{_path(namespace)}/{name}")
            except urllib3.exceptions.HTTPError:
                time.sleep(RETRY_SECONDS)
                continue
            if answer.ok:
                with self._lock:
                    self.looked_up += 1
                found: Json = answer.body["metadata"]
                return found
            if answer.status == 404 and isinstance(answer.body, dict) and _is_about(answer, name):
                return None
            time.sleep(RETRY_SECONDS)

    def _refused(self, namespace: str, name: str, spec: Any) -> None:
        try:
            answer = self._post(namespace, name, spec)
        except urllib3.exceptions.HTTPError:
            return  # an agent whose search is wrong anyway
        with self._lock:
            if answer.status in REFUSED:
                self.refused += 1
            elif answer.status not in ASKED_AGAIN:
                self.mistakes.append(f"malformed {name} was answered with {answer.status}")

    def _post(self, namespace: str, name: str, spec: Any) -> Answer:
        manifest = {
            "apiVersion": "audit.kubernaut.ai/v1alpha1",
            "kind": "WorkflowSearch",
            "metadata": {"name": name},
            "spec": spec,
        }
        return self._api.request("POST", _path(namespace), manifest)


def unanswered(spec: Json) -> Json:
    """Give a search that the operator is to run."""
    return {key: value for key, value in spec.items() if key not in {"results", "failure"}}


def _path(namespace: str) -> str:
    return f"{GROUP_PATH}/namespaces/{namespace}/{SEARCHES}"


def _is_about(answer: Answer, name: str) -> bool:
    """Tell an object that is not there from an API that is not there yet."""
    return bool(answer.body.get("details", {}).get("name") == name)
