"""A container as a process: its command, its variables, its rights."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.api import Api
from support.node.volumes import Volumes
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.processes import FOLDER_VARIABLE

Json = dict[str, Any]

KEPT = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""Of the variables of the tests; a container has none of them."""


@dataclass(frozen=True)
class Place:
    """Where a pod runs."""

    environment: LocalEnvironment
    api: Api
    pod: Json
    address: str
    folder: Path
    volumes: Volumes

    @property
    def name(self) -> str:
        """Of the pod."""
        return str(self.pod["metadata"]["name"])


def started(place: Place, container: Json, log: Path) -> subprocess.Popen[bytes]:
    """Start a container of our image."""
    mounts = container.get("volumeMounts", [])
    arguments = [place.volumes.here(each, mounts) for each in container.get("args", [])]
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "workflow_audit", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_variables(place, container),
            cwd=place.folder,
        )


def ended(process: subprocess.Popen[bytes], grace_seconds: float) -> None:
    """End a container as kubelet does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _variables(place: Place, container: Json) -> dict[str, str]:
    mounts = container.get("volumeMounts", [])
    given: dict[str, str] = {}
    for each in container.get("env", []):
        value = str(each["value"]) if "value" in each else _looked_up(place, each["valueFrom"])
        value = re.sub(r"\$\((\w+)\)", lambda found: given.get(found[1], found[0]), value)
        given[each["name"]] = place.volumes.here(value, mounts)
    # Of a container these are its own: it has an address to itself.
    alone = {"AUDIT_HTTP_HOST": place.address, "AUDIT_APISERVER_HOST": place.address}
    guarded = {FOLDER_VARIABLE: str(place.environment.folder)}
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | guarded | alone | given | _credentials(place)


def _looked_up(place: Place, source: Json) -> str:
    if "fieldRef" in source:
        value: Any = place.pod
        for part in source["fieldRef"]["fieldPath"].split("."):
            value = value[part]
        return str(value)
    wanted = source["secretKeyRef"]
    file = place.folder / "variables" / wanted["name"] / wanted["key"]
    volume: Json = {
        "name": "variables",
        "secret": {
            "secretName": wanted["name"],
            "items": [{"key": wanted["key"], "path": f"{wanted['name']}/{wanted['key']}"}],
        },
    }
    lookup = Volumes(place.api, {**place.pod, "spec": {"volumes": [volume]}}, place.folder)
    missing = lookup.written()
    assert not missing, missing
    return file.read_text(encoding="utf-8")


def _credentials(place: Place) -> dict[str, str]:
    """Give the rights of the service account, where the pod mounts its token."""
    spec = place.pod["spec"]
    projected = [each for each in spec.get("volumes", []) if "projected" in each]
    if not projected:
        return {"KUBECONFIG": os.devnull}
    metadata = place.pod["metadata"]
    account = f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts"
    asked = {"spec": {"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": place.name}}}
    answer = place.api.create(f"{account}/{spec['serviceAccountName']}/token", asked)
    control_plane = place.environment.control_plane
    token = answer["status"]["token"]
    return {"KUBECONFIG": str(control_plane.kubeconfig_with_token(place.name, token))}
