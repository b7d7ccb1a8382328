"""Files of a pod: Secrets and ConfigMaps that are mounted, kept as the cluster has them."""

import base64
import os
from pathlib import Path
from typing import Any

from support.api import Api

Json = dict[str, Any]


class Volumes:
    """What a pod mounts, in a folder of this machine."""

    def __init__(self, api: Api, pod: Json, folder: Path) -> None:
        self._api = api
        self._namespace = pod["metadata"]["namespace"]
        self._volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        self._folder = folder

    def written(self) -> str:
        """Write what the cluster has by now; names what is not there yet, if anything."""
        for name, volume in self._volumes.items():
            source = self._source(volume)
            if source is None:
                continue
            plural, called, items = source
            path = f"/api/v1/namespaces/{self._namespace}/{plural}/{called}"
            answer = self._api.request("GET", path)
            if not answer.ok:
                return f"{plural}/{called}: {answer.message}"
            for key, file in items.items():
                if key not in answer.body.get("data", {}):
                    return f"{plural}/{called} has no {key}"
                data = answer.body["data"][key]
                content = base64.b64decode(data) if plural == "secrets" else data.encode()
                _put(self._folder / name / file, content)
        return ""

    def here(self, text: str, mounts: list[Json]) -> str:
        """Give a text with paths of the container as paths of this machine."""
        for mount in sorted(mounts, key=lambda each: -len(each["mountPath"])):
            text = text.replace(f"{mount['mountPath']}/", f"{self._folder / mount['name']}/")
            if text.endswith(mount["mountPath"]):
                text = text.removesuffix(mount["mountPath"]) + str(self._folder / mount["name"])
        return text

    def _source(self, volume: Json) -> tuple[str, str, dict[str, str]] | None:
        if "secret" in volume:
            kind, source = "secrets", volume["secret"]
            called = source["secretName"]
        elif "configMap" in volume:
            kind, source = "configmaps", volume["configMap"]
            called = source["name"]
        else:
            return None  # the token of the service account, which is given as a kubeconfig
        return kind, called, {each["key"]: each["path"] for each in source["items"]}


def _put(file: Path, content: bytes) -> None:
    if file.is_file() and file.read_bytes() == content:
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    os.replace(new, file)  # noqa: PTH105 - as kubelet does: whoever reads sees the old or the new
