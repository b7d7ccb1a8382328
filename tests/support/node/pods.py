"""A pod from its binding to its end: init containers, containers, probes, restarts."""

import http.client
import threading
from typing import Any

from support.api import MERGE_PATCH
from support.node.containers import Place, ended, started

Json = dict[str, Any]

LOOK_SECONDS = 0.3
PROBE_SECONDS = 5
GRACE_SECONDS = 30.0


class Pod:
    """One pod, with a thread of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._spec = place.pod["spec"]
        self._path = f"{place.pod['metadata']['selfPath']}"
        self._going = threading.Event()
        self._restarts = 0
        self._thread = threading.Thread(target=self._run, name=place.name, daemon=True)
        self.ready = False
        self._thread.start()

    @property
    def address(self) -> str:
        """Of its containers."""
        return self._place.address

    @property
    def labels(self) -> dict[str, str]:
        """By which services find it."""
        return dict(self._place.pod["metadata"]["labels"])

    def port(self, name: str) -> int:
        """Give the number of a port of its container."""
        (container,) = self._spec["containers"]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        return int(ports[name])

    def end(self) -> None:
        """Stop its containers; the API server is told that it is gone."""
        self._going.set()
        self._thread.join()
        body = {"gracePeriodSeconds": 0}
        self._place.api.request("DELETE", self._path, body)

    def _run(self) -> None:
        for container in self._spec.get("initContainers", []):
            while not self._going.is_set() and self._once(container, "Pending") != 0:
                self._going.wait(LOOK_SECONDS)
        (container,) = self._spec["containers"]
        while not self._going.is_set():
            code = self._once(container, "Running")
            self.ready = False
            if self._going.is_set():
                return
            if self._spec["restartPolicy"] == "Never":
                self._tell("Succeeded" if code == 0 else "Failed", {"exitCode": code})
                return
            self._restarts += 1

    def _once(self, container: Json, phase: str) -> int:
        """Run a container until it ends, and give its exit code."""
        while missing := self._place.volumes.written():
            self._tell("Pending", None, missing)
            if self._going.wait(LOOK_SECONDS):
                return -1
        log = self._place.folder / f"{container['name']}.log"
        process = started(self._place, container, log)
        try:
            self._tell(phase, None)
            while process.poll() is None and not self._going.wait(LOOK_SECONDS):
                self._place.volumes.written()
                if phase == "Running":
                    self._look(container)
        finally:
            if process.poll() is None:
                ended(process, self._spec.get("terminationGracePeriodSeconds", GRACE_SECONDS))
        return int(process.returncode)

    def _look(self, container: Json) -> None:
        probe = container.get("readinessProbe")
        ready = probe is None or self._answers(probe["httpGet"])
        if ready is not self.ready:
            self.ready = ready
            self._tell("Running", None)

    def _answers(self, get: Json) -> bool:
        port = self.port(get["port"])
        connection = http.client.HTTPConnection(self.address, port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", get["path"])
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False  # it does not listen yet
        finally:
            connection.close()

    def _tell(self, phase: str, terminated: Json | None, message: str = "") -> None:
        """Write the status, as kubelet does."""
        (container,) = self._spec["containers"]
        state = {"terminated": terminated} if terminated else {"running": {}}
        ready = "True" if self.ready else "False"
        status = {
            "phase": phase,
            "message": message,
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "conditions": [
                {"type": "ContainersReady", "status": ready},
                {"type": "Ready", "status": ready},
            ],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": self.ready,
                    "restartCount": self._restarts,
                    "state": state if phase != "Pending" else {"waiting": {"reason": message[:50]}},
                }
            ],
        }
        self._place.api.request("PATCH", f"{self._path}/status", {"status": status}, MERGE_PATCH)
