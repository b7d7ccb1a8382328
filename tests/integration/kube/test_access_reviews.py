"""The API server decides who somebody is and what he may do; its word is remembered for seconds."""

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from support.api import Api
from support.reading import TYPE, let_read
from workflow_audit.errors import ClusterError
from workflow_audit.kube import access
from workflow_audit.kube.access import ALLOWED_SECONDS, DENIED_SECONDS, Access
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.models.user import Action, User

pytestmark = pytest.mark.cluster

_numbers = itertools.count(1)


class Counting(ApiServer):
    """Counts what it asks."""

    asked = 0

    async def ask(self, *arguments: Any, **options: Any) -> Any:
        self.asked += 1
        return await super().ask(*arguments, **options)


class Clock:
    """A clock that tests advance."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access.time, "monotonic", clock)
    return clock


@pytest.fixture
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    with Api(prepared_environment) as administrator:
        yield administrator


@pytest.fixture
async def server(prepared_environment: LocalEnvironment) -> AsyncIterator[Counting]:
    async with Counting(prepared_environment.kubeconfig) as server:
        yield server


@pytest.fixture
def namespace(api: Api) -> str:
    name = f"access-{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.apply(f"/api/v1/namespaces/{name}", body)
    return name


async def test_rights_are_those_of_roles(server: Counting, api: Api, namespace: str) -> None:
    let_read(api, namespace, "ada")
    let_read(api, namespace, "eve", types=[TYPE])
    rights, ada, eve = Access(server), User("ada"), User("eve", ("some", "groups"), "7")
    here, there = Action("list", namespace), Action("list", "default")
    typed = Action("list", namespace, TYPE)
    found = [
        await rights.allowed(user, action) for user in (ada, eve) for action in (here, typed, there)
    ]
    assert found == [True, True, False, False, True, False]
    assert not await rights.allowed(ada, Action("list"))
    assert not await rights.allowed(ada, Action("delete", namespace))
    by_group = User("mallory", ("system:masters",), extra={"scopes": ("a",)})
    assert await rights.allowed(by_group, Action("watch"))


async def test_what_it_said_is_remembered_for_seconds(
    clock: Clock, server: Counting, api: Api, namespace: str
) -> None:
    rights, ada, action = Access(server), User("ada"), Action("list", namespace)
    assert not await rights.allowed(ada, action)
    let_read(api, namespace, "ada")
    clock.now = DENIED_SECONDS - 0.1
    assert not await rights.allowed(ada, action)
    assert server.asked == 1
    clock.now = DENIED_SECONDS
    assert await rights.allowed(ada, action)
    clock.now += ALLOWED_SECONDS - 0.1
    for _ in range(50):
        assert await rights.allowed(ada, action)
    assert server.asked == 2
    clock.now += 0.1
    assert await rights.allowed(ada, action)
    assert server.asked == 3


async def test_nobody_gets_what_was_said_of_somebody_else(
    clock: Clock, server: Counting, api: Api, namespace: str
) -> None:
    let_read(api, namespace, "ada")
    rights = Access(server)
    assert await rights.allowed(User("ada"), Action("list", namespace))
    for user in (User("eve"), User("eve", ("ada",)), User("", ("ada",))):
        assert not await rights.allowed(user, Action("list", namespace))


async def test_whose_token_it_is(clock: Clock, server: Counting, api: Api, namespace: str) -> None:
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api.create(accounts, {"metadata": {"name": "robot"}})
    token = api.create(f"{accounts}/robot/token", {"spec": {}})["status"]["token"]
    rights = Access(server)
    for _ in range(3):
        user = await rights.user(token)
        assert user
        assert user.name == f"system:serviceaccount:{namespace}:robot"
        assert "system:serviceaccounts" in user.groups
        assert user.uid
    assert server.asked == 1
    for _ in range(3):
        assert await rights.user(token[:-4] + "AAAA") is None
    assert server.asked == 2
    assert not any(token.encode() in key for key in rights._users), "only its hash is kept"


async def test_an_api_server_that_does_not_decide_is_no_refusal(
    prepared_environment: LocalEnvironment,
) -> None:
    """Whoever may not ask gets an error: a reader must not take it for missing rights."""
    nobody = prepared_environment.control_plane.kubeconfig_for("nobody-who-asks")
    async with ApiServer(nobody) as server:
        rights = Access(server)
        with pytest.raises(ClusterError, match="403"):
            await rights.allowed(User("ada"), Action("list", "default"))
        with pytest.raises(ClusterError, match="403"):
            await rights.user("a token")
