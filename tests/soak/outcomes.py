"""How each search went, as a watch of all of them shows it, however often it breaks."""

import contextlib
import json
import threading
from typing import Any

import urllib3

from soak.plan import NAMESPACES
from soak.timeline import Timeline
from support.api import CHUNK_BYTES, GROUP_PATH, SEARCHES, Api

ALL = f"{GROUP_PATH}/{SEARCHES}"
FINAL = {"Recorded", "Skipped"}
RETRY_SECONDS = 0.2

Json = dict[str, Any]


class Outcomes:
    """The final phase of each search, and when it was first seen."""

    def __init__(self, api: Api, timeline: Timeline) -> None:
        self._api, self._timeline = api, timeline
        self._version = ""
        self.final: dict[str, tuple[str, float]] = {}
        """Phase and time, by uid."""
        self.event_ids: dict[str, str] = {}
        """Of the recorded ones, by uid."""
        self.shown: dict[str, str] = {}
        """Namespaces of all searches that were there, by uid, whoever knows that they were taken:
        the answer to a creation may be lost, and the search be gone when it is looked up."""
        self.changed: list[str] = []
        """Uids of searches whose final phase changed as it must not: away from Recorded."""
        self.recorded_after_all: list[str] = []
        """Those that one operator had skipped before the other recorded them."""
        self.lists = 0

    def run(self, stopping: threading.Event) -> None:
        """Follow until told to stop."""
        while not stopping.is_set():
            with contextlib.suppress(urllib3.exceptions.HTTPError, AssertionError):
                if not self._version:
                    self._list()
                self._follow(stopping)
            stopping.wait(RETRY_SECONDS)

    def _list(self) -> None:
        found = self._api.get(ALL)
        self.lists += 1
        for item in found["items"]:
            self._note(item)
        self._version = found["metadata"]["resourceVersion"]

    def _follow(self, stopping: threading.Event) -> None:
        rest = b""
        with self._api.stream(f"{ALL}?watch=1&resourceVersion={self._version}") as answer:
            if answer.status == 410:
                self._version = ""
            assert answer.status == 200, answer.status
            for chunk in answer.stream(CHUNK_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(json.loads, lines):
                    if event["type"] == "ERROR":
                        self._version = ""
                        return
                    self._version = event["object"]["metadata"]["resourceVersion"]
                    self._note(event["object"])
                if stopping.is_set():
                    return

    def _note(self, item: Json) -> None:
        metadata, status = item["metadata"], item.get("status", {})
        uid, phase = metadata["uid"], status.get("phase")
        if metadata["namespace"] not in NAMESPACES:
            return
        self.shown[uid] = metadata["namespace"]
        if phase not in FINAL:
            return
        before, at = self.final.setdefault(uid, (phase, self._timeline.now))
        if before != phase:
            self._note_change(uid, before, phase, at)
        if phase == "Recorded":
            self.event_ids.setdefault(uid, status["eventId"])

    def _note_change(self, uid: str, before: str, after: str, at: float) -> None:
        if (before, after) == ("Skipped", "Recorded"):
            self.recorded_after_all.append(uid)
        else:
            self.changed.append(uid)
        self.final[uid] = after, at
