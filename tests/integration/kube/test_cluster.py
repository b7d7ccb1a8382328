"""What the operator asks its cluster at start, of a real API server."""

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from support.environment import kubectl
from workflow_audit.cli.prepare import operator_environment
from workflow_audit.errors import ClusterError
from workflow_audit.kube import cluster
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.local.environment import LocalEnvironment

pytestmark = pytest.mark.cluster

DEFAULT_LOCATION = "kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION"
"""KUBECONFIG as the client read it when it was imported."""

SEARCHES = ("audit.kubernaut.ai", "v1alpha1", "workflowsearches")


@pytest.fixture
def kubeconfig(
    prepared_environment: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> LocalEnvironment:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(DEFAULT_LOCATION, str(prepared_environment.kubeconfig))
    return prepared_environment


async def cluster_id() -> UUID:
    async with ApiServer() as api:
        return await cluster.cluster_id(api)


async def serves(*resource: str) -> bool:
    async with ApiServer() as api:
        return await cluster.serves(api, *resource)


async def test_the_cluster_id_is_the_uid_of_kube_system(kubeconfig: LocalEnvironment) -> None:
    output = ("-o", "jsonpath={.metadata.uid}")
    uid = kubectl(kubeconfig, "get", "namespace", "kube-system", *output)
    assert await cluster_id() == UUID(uid)


async def test_the_api_servers_time_is_known(kubeconfig: LocalEnvironment) -> None:
    async with ApiServer() as api:
        assert api.told is None
        namespace = await api.ask("reading", "GET", "/api/v1/namespaces/kube-system")
        assert api.told is not None
        age = api.told - datetime.fromisoformat(namespace["metadata"]["creationTimestamp"])
    assert timedelta() <= age < timedelta(hours=1)


async def test_the_operators_own_rights_are_enough(
    kubeconfig: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DEFAULT_LOCATION, operator_environment(kubeconfig)["KUBECONFIG"])
    assert await cluster_id()
    assert await serves(*SEARCHES)


@pytest.mark.parametrize(
    ("resource", "served"),
    [
        pytest.param(SEARCHES, True, id="ours"),
        pytest.param(("audit.kubernaut.ai", "v1alpha1", "auditrules"), False, id="no-resource"),
        pytest.param(("audit.kubernaut.ai", "v9", "workflowsearches"), False, id="no-version"),
        pytest.param(("nobody.example.com", "v1", "workflowsearches"), False, id="no-group"),
    ],
)
async def test_what_is_served(
    kubeconfig: LocalEnvironment, resource: tuple[str, str, str], served: bool
) -> None:
    assert await serves(*resource) is served


async def test_a_user_without_rights_is_told_so(
    kubeconfig: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = kubeconfig.control_plane.kubeconfig_for("nobody-in-particular")
    monkeypatch.setattr(DEFAULT_LOCATION, str(nobody))
    with pytest.raises(ClusterError) as caught:
        await cluster_id()
    assert str(caught.value).startswith(
        "reading the namespace kube-system: the API server answers 403 Forbidden: namespaces "
    )
    assert caught.value.status == 403


async def test_wrong_credentials_are_told(
    kubeconfig: LocalEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = kubeconfig.control_plane.kubeconfig_with_token("stranger", "no-token")
    monkeypatch.setattr(DEFAULT_LOCATION, str(stranger))
    with pytest.raises(ClusterError, match="the API server answers 401 Unauthorized"):
        await serves(*SEARCHES)


def changed_kubeconfig(environment: LocalEnvironment, folder: Path, **fields: str) -> str:
    config = yaml.safe_load(environment.kubeconfig.read_text())
    config["clusters"][0]["cluster"] |= fields
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return str(path)


async def test_a_server_that_is_not_there_is_told(
    kubeconfig: LocalEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = changed_kubeconfig(kubeconfig, tmp_path, server="https://127.0.0.1:1")
    monkeypatch.setattr(DEFAULT_LOCATION, gone)
    for asking in (cluster_id(), serves(*SEARCHES)):
        with pytest.raises(ClusterError, match="the API server cannot be reached"):
            await asking


async def test_a_server_with_another_certificate_is_not_trusted(
    kubeconfig: LocalEnvironment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pki = kubeconfig.folder / "control-plane" / "pki"
    (other,) = pki.glob("front-proxy-ca.crt")
    config = yaml.safe_load(kubeconfig.kubeconfig.read_text())
    config["clusters"][0]["cluster"].pop("certificate-authority-data", None)
    config["clusters"][0]["cluster"]["certificate-authority"] = str(other)
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    monkeypatch.setattr(DEFAULT_LOCATION, str(tmp_path / "kubeconfig"))
    with pytest.raises(ClusterError, match=r"cannot be reached: .*verify failed") as caught:
        await cluster_id()
    assert "\n" not in str(caught.value)


async def test_credentials_are_read_anew_when_they_are_refused(
    kubeconfig: LocalEnvironment, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig.kubeconfig.read_text())
    stranger = kubeconfig.control_plane.kubeconfig_with_token("stranger", "no-token")
    path.write_text(stranger.read_text())
    async with ApiServer(path) as api:
        with pytest.raises(ClusterError, match="401"):
            await cluster.cluster_id(api)
        path.write_text(kubeconfig.kubeconfig.read_text())
        assert await cluster.cluster_id(api)
