"""What an informer knows is what the API server has, also after it could not watch."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from support.api import MERGE_PATCH, Api
from support.eventually import eventually_async
from support.faulty_api import Fault, FaultyApi, Request
from workflow_audit.kube import informer
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.informer import Informer
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.resource import CONFIG_MAP, Resource

pytestmark = pytest.mark.cluster

Json = dict[str, Any]
Changes = list[tuple[str | None, str | None]]

_numbers = itertools.count(1)

WIDGET = Resource("informer.example.com", "v1", "widgets", "Widget")


@pytest.fixture
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    with Api(prepared_environment) as administrator:
        yield administrator


@pytest.fixture
def marked(api: Api) -> str:
    """A label that only the objects of this test have, and a namespace of that name."""
    name = f"informer-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", body)
    return name


def create(api: Api, mark: str, name: str, value: str = "1") -> None:
    labels = {"mark": mark}
    body = {"metadata": {"name": name, "labels": labels}, "data": {"value": value}}
    api.create(CONFIG_MAP.path(mark), body)


def change(api: Api, mark: str, name: str, value: str) -> None:
    path = CONFIG_MAP.path(mark, name)
    assert api.request("PATCH", path, {"data": {"value": value}}, MERGE_PATCH).ok


def value_of(item: Json | None) -> str | None:
    return str(item["data"]["value"]) if item else None


class Watched:
    """An informer of config maps, and what it told."""

    def __init__(self, server: ApiServer, resource: Resource, selector: str) -> None:
        self.changes: Changes = []
        self.served: list[bool] = []
        self.informer = Informer(
            server,
            resource,
            self._changed,
            label_selector=selector,
            served_changed=lambda: self.served.append(self.informer.served),
        )

    def values(self) -> dict[str, str | None]:
        return {item["metadata"]["name"]: value_of(item) for item in self.informer.objects()}

    def _changed(self, before: Json | None, after: Json | None) -> None:
        self.changes.append((value_of(before), value_of(after)))


@asynccontextmanager
async def watched(
    kubeconfig: Path, selector: str = "", resource: Resource = CONFIG_MAP
) -> AsyncIterator[Watched]:
    async with ApiServer(kubeconfig) as server:
        watching = Watched(server, resource, selector)
        task = asyncio.create_task(watching.informer.run())
        try:
            async with asyncio.timeout(60):
                await watching.informer.known.wait()
            yield watching
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_it_knows_what_is_there_and_what_changes(
    prepared_environment: LocalEnvironment, api: Api, marked: str
) -> None:
    create(api, marked, "before")
    create(api, marked, "other")
    async with watched(prepared_environment.kubeconfig, f"mark={marked}") as watching:
        assert watching.values() == {"before": "1", "other": "1"}
        assert {item["kind"] for item in watching.informer.objects()} == {CONFIG_MAP.kind}
        assert watching.informer.problem is None
        create(api, marked, "new", "2")
        change(api, marked, "before", "3")
        assert api.delete(CONFIG_MAP.path(marked, "other")).ok
        await eventually_async(lambda: watching.values() == {"before": "3", "new": "2"})
        assert watching.changes == [(None, "1"), (None, "1"), (None, "2"), ("1", "3"), ("1", None)]
        assert value_of(watching.informer.get(marked, "new")) == "2"
        assert watching.informer.get(marked, "other") is None


async def test_other_objects_are_none_of_its_business(
    prepared_environment: LocalEnvironment, api: Api, marked: str
) -> None:
    create(api, marked, "ours")
    async with watched(prepared_environment.kubeconfig, f"mark={marked},name!=x") as watching:
        unlabelled = {"metadata": {"name": "theirs"}, "data": {"value": "9"}}
        api.create(CONFIG_MAP.path(marked), unlabelled)
        no_label = {"metadata": {"labels": {"mark": None}}}
        assert api.request("PATCH", CONFIG_MAP.path(marked, "ours"), no_label, MERGE_PATCH).ok
        await eventually_async(lambda: watching.values() == {})
        assert watching.changes == [(None, "1"), ("1", None)]


async def test_what_went_away_while_it_could_not_watch_is_noticed(
    prepared_environment: LocalEnvironment, api: Api, marked: str, tmp_path: Path
) -> None:
    """Also with a version that the API server has forgotten: then everything is listed anew."""
    for name in ("kept", "changed", "deleted"):
        create(api, marked, name)
    down = [Fault("down", 503)]

    def faults(request: Request) -> Fault | None:
        if "configmaps" not in request.path:
            return None
        if request.watch:
            return Fault("expired", watch_error=410)
        return down[0] if down else None

    with FaultyApi(prepared_environment) as proxy:
        kubeconfig = Path(proxy.kubeconfig(tmp_path))
        async with watched(kubeconfig, f"mark={marked}") as watching:
            assert len(watching.values()) == 3
            with proxy.answering(faults):
                await eventually_async(lambda: watching.informer.problem)
                change(api, marked, "changed", "2")
                assert api.delete(CONFIG_MAP.path(marked, "deleted")).ok
                create(api, marked, "new")
                assert len(watching.values()) == 3, "what was known stays known"
                down.clear()
                expected = {"kept": "1", "changed": "2", "new": "1"}
                await eventually_async(lambda: watching.values() == expected)
            told = sorted(watching.changes[3:], key=str)
            assert told == sorted([("1", None), ("1", "2"), (None, "1")], key=str)


@pytest.mark.parametrize("refusal", [Fault("refused", 500), Fault("expired", watch_error=410)])
async def test_a_list_that_leads_nowhere_is_not_asked_for_again_and_again(
    prepared_environment: LocalEnvironment,
    api: Api,
    marked: str,
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Fault,
) -> None:
    """It costs the API server and us as much as all objects do."""
    monkeypatch.setattr(informer, "FIRST_PAUSE_SECONDS", 0.2)
    lists: list[float] = []

    def faults(request: Request) -> Fault | None:
        if "configmaps" not in request.path:
            return None
        if not request.watch:
            lists.append(time.monotonic())
        return refusal if request.watch else None

    with FaultyApi(prepared_environment) as proxy:
        async with watched(Path(proxy.kubeconfig(tmp_path)), f"mark={marked}") as watching:
            with proxy.answering(faults):
                await eventually_async(lambda: len(lists) == 5)
            create(api, marked, "late")
            await eventually_async(lambda: watching.values() == {"late": "1"})
    pauses = [later - earlier for earlier, later in itertools.pairwise(lists)]
    assert pauses[-1] > 2 * pauses[0]


async def test_a_resource_may_come_and_go(prepared_environment: LocalEnvironment, api: Api) -> None:
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{WIDGET.plural}.{WIDGET.group}"},
        "spec": {
            "group": WIDGET.group,
            "scope": "Namespaced",
            "names": {"kind": WIDGET.kind, "plural": WIDGET.plural, "singular": "widget"},
            "versions": [
                {
                    "name": WIDGET.version,
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "x-kubernetes-preserve-unknown-fields": True,
                        }
                    },
                }
            ],
        },
    }
    async with watched(prepared_environment.kubeconfig, resource=WIDGET) as watching:
        assert watching.served == [False]
        api.create(definitions, definition)
        await eventually_async(lambda: watching.served == [False, True])
        widget = {
            "apiVersion": WIDGET.api_version,
            "kind": WIDGET.kind,
            "metadata": {"name": "one"},
            "data": {"value": "1"},
        }
        api.create(WIDGET.path("default"), widget)
        await eventually_async(lambda: watching.values() == {"one": "1"})
        assert api.delete(f"{definitions}/{WIDGET.plural}.{WIDGET.group}").ok
        await eventually_async(lambda: watching.served == [False, True, False])
        assert watching.values() == {}


async def test_without_rights_it_says_so_and_knows_nothing(
    prepared_environment: LocalEnvironment,
) -> None:
    nobody = prepared_environment.control_plane.kubeconfig_for("nobody-who-watches")
    async with ApiServer(nobody) as server:
        watching = Watched(server, CONFIG_MAP, "")
        task = asyncio.create_task(watching.informer.run())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watching.informer.known.wait(), 1)
        assert "watching configmaps: the API server answers 403" in str(watching.informer.problem)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
