"""All searches come page by page, also when the API server forgets meanwhile where the list was."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from support.faulty_server import Exchange, FaultyServer, answer, refusal
from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.searches import PAGE, search_pages


def a_page(*names: str, more: str = "") -> dict[str, Any]:
    items = [{"metadata": {"name": name}} for name in names] or None
    return {"items": items, "metadata": {"continue": more}}


EXPIRED = {
    "kind": "Status",
    "message": "The provided continue parameter is too old",
    "reason": "Expired",
    "metadata": {"continue": "at-a-later-moment"},
}
ANSWERS = {
    "": answer(a_page("a", "b", more="old")),
    "old": answer(EXPIRED, 410),
    "at-a-later-moment": answer(a_page("c", more="last")),
    "last": answer(a_page()),
}


async def by_token(exchange: Exchange) -> None:
    query = parse_qs(urlsplit(exchange.request.path).query)
    assert query["limit"] == [str(PAGE)]
    await ANSWERS[query.get("continue", [""])[0]](exchange)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(by_token) as running:
        yield running


@pytest.fixture
def kubeconfig(server: FaultyServer, tmp_path: Path) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "it", "cluster": {"server": server.url}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "there", "context": {"cluster": "it", "user": "me"}}],
        "current-context": "there",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


async def names(kubeconfig: Path, namespace: str | None = None) -> list[list[str]]:
    async with ApiServer(kubeconfig) as api:
        return [
            [each["metadata"]["name"] for each in page]
            async for page in search_pages(api, namespace)
        ]


async def test_a_list_goes_on_at_a_later_moment(kubeconfig: Path) -> None:
    assert await names(kubeconfig) == [["a", "b"], ["c"]]


async def test_one_namespace_is_asked_for_alone(kubeconfig: Path, server: FaultyServer) -> None:
    await names(kubeconfig, "payments")
    paths = {urlsplit(request.path).path for request in server.requests}
    assert paths == {"/apis/audit.kubernaut.ai/v1alpha1/namespaces/payments/workflowsearches"}


@pytest.mark.parametrize("status", [403, 410, 500])
async def test_what_is_refused_is_no_end_of_the_list(
    kubeconfig: Path, server: FaultyServer, status: int
) -> None:
    server.behave(refusal(status))
    with pytest.raises(ClusterError, match=f"listing searches: the API server answers {status}"):
        await names(kubeconfig)
