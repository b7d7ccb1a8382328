"""The node: takes every pod of a namespace, and gives services their addresses."""

import itertools
import logging
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from support.api import Api
from support.node.containers import Place
from support.node.pods import Pod
from support.node.services import ServicePort
from support.node.volumes import Volumes
from workflow_audit.local.control_plane_flags import Extras
from workflow_audit.local.environment import LocalEnvironment

Json = dict[str, Any]

log = logging.getLogger(__name__)

CONTROLLERS = (
    "deployment-controller",
    "job-controller",
    "replicaset-controller",
    "statefulset-controller",
)

EXTRAS = Extras(CONTROLLERS, ("--service-cluster-ip-range=127.96.0.0/24",))
"""What the control plane needs. Addresses of services are this machine's own."""

LOOK_SECONDS = 0.2

_numbers = itertools.count(11)


class Node:
    """Runs the pods of a namespace for as long as the block takes."""

    def __init__(self, environment: LocalEnvironment, api: Api, namespace: str, folder: Path):
        self._environment = environment
        self._api = api
        self._core = f"/api/v1/namespaces/{namespace}"
        self._folder = folder
        self._pods: dict[str, Pod] = {}
        self._services: dict[str, ExitStack] = {}
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="node", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaving.set()
        self._thread.join()
        for name in list(self._pods):
            self._pods.pop(name).end()
        for services in self._services.values():
            services.close()

    @property
    def failure(self) -> str:
        """What broke, if anything did."""
        return "" if self._thread.is_alive() or self._leaving.is_set() else "the node died"

    def log(self, prefix: str) -> str:
        """Give what the pods printed whose names begin like that."""
        files = sorted(self._folder.glob(f"{prefix}*/*.log"))
        return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)

    def _run(self) -> None:
        while not self._leaving.wait(LOOK_SECONDS):
            try:
                self._look_at_pods()
                self._look_at_services()
            except Exception:
                log.exception("the node fails")
                raise

    def _look_at_pods(self) -> None:
        for pod in self._api.get(f"{self._core}/pods")["items"]:
            name = pod["metadata"]["name"]
            leaving = "deletionTimestamp" in pod["metadata"]
            if name not in self._pods and not leaving and "nodeName" not in pod["spec"]:
                self._take(pod)
            elif leaving and name in self._pods:
                ending = self._pods.pop(name)
                threading.Thread(target=ending.end, name=f"end-of-{name}").start()

    def _take(self, pod: Json) -> None:
        name = pod["metadata"]["name"]
        path = f"{self._core}/pods/{name}"
        binding = {"metadata": {"name": name}, "target": {"kind": "Node", "name": "here"}}
        self._api.create(f"{path}/binding", binding)
        folder = self._folder / name
        folder.mkdir()
        pod["metadata"]["selfPath"] = path
        volumes = Volumes(self._api, pod, folder / "volumes")
        address = f"127.0.1.{next(_numbers)}"
        place = Place(self._environment, self._api, pod, address, folder, volumes)
        self._pods[name] = Pod(place)

    def _look_at_services(self) -> None:
        listed = self._api.get(f"{self._core}/services")["items"]
        found = {each["metadata"]["uid"]: each for each in listed}
        for uid in set(self._services) - set(found):
            self._services.pop(uid).close()
        for uid in set(found) - set(self._services):
            self._services[uid] = self._opened(found[uid]["spec"])

    def _opened(self, spec: Json) -> ExitStack:
        opened = ExitStack()
        for port in spec["ports"]:
            ready = partial(self._ready, spec, port)
            opened.enter_context(ServicePort(spec["clusterIP"], port["port"], ready))
        return opened

    def _ready(self, spec: Json, port: Json) -> list[tuple[str, int]]:
        wanted = spec["selector"].items()
        return [
            (pod.address, pod.port(port["targetPort"]))
            for pod in list(self._pods.values())
            if pod.ready and wanted <= pod.labels.items()
        ]
