"""Without usable credentials the operator says what to do, and ends with no traceback."""

from pathlib import Path

import pytest

from workflow_audit.errors import ClusterError
from workflow_audit.kube import cluster
from workflow_audit.kube.connecting import ApiServer

DEFAULT_LOCATION = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
"""KUBECONFIG as the client read it when it was imported."""


@pytest.fixture(autouse=True)
def _outside_of_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="no-file"),
        pytest.param("", id="empty"),
        pytest.param("{}", id="nothing-in-it"),
        pytest.param("apiVersion: v1\nkind: Config\ncurrent-context: none\n", id="no-context"),
        pytest.param("clusters: [unfinished", id="no-yaml"),
    ],
)
async def test_a_kubeconfig_that_cannot_be_used(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(DEFAULT_LOCATION, str(path))
    async with ApiServer() as api:
        with pytest.raises(ClusterError) as caught:
            await cluster.cluster_id(api)
    assert "set KUBECONFIG, or run in a cluster" in str(caught.value)
    assert str(caught.value).startswith("reading the namespace kube-system: ")
