"""The control plane as its users meet it: rights, deletion, restart."""

import json
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest

from support.environment import kubectl
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.local.waiting import wait_until

pytestmark = pytest.mark.cluster

ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: local-rights}
rules: [{apiGroups: [""], resources: [configmaps], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: local-rights}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: local-readers}]
"""


def exists(environment: LocalEnvironment, *what: str) -> bool:
    return kubectl(environment, "get", *what, "--ignore-not-found", "-o", "name") != ""


def test_administrator_may_do_everything(local_environment: LocalEnvironment) -> None:
    assert "yes" in kubectl(local_environment, "auth", "can-i", "*", "*", "-A")


def test_user_without_a_role_is_forbidden(local_environment: LocalEnvironment) -> None:
    jane = local_environment.control_plane.kubeconfig_for("jane", ["nobodies"])
    with pytest.raises(subprocess.CalledProcessError) as caught:
        kubectl(local_environment, "get", "configmaps", "-n", "default", kubeconfig=jane)
    assert "Forbidden" in caught.value.stderr
    assert 'User "jane" cannot list resource "configmaps"' in caught.value.stderr


def test_groups_of_a_certificate_count(local_environment: LocalEnvironment, tmp_path) -> None:
    kubectl(local_environment, "create", "namespace", "local-rights")
    (tmp_path / "role.yaml").write_text(ROLE)
    kubectl(local_environment, "apply", "-f", str(tmp_path / "role.yaml"))
    jane = local_environment.control_plane.kubeconfig_for("jane", ["local-readers"])
    wait_until(
        lambda: may_list(local_environment, jane), 10, "the role reached the API server's cache"
    )
    kubectl(local_environment, "delete", "namespace", "local-rights", "--wait=false")


def may_list(environment: LocalEnvironment, kubeconfig) -> bool:
    try:
        kubectl(environment, "get", "configmaps", "-n", "local-rights", kubeconfig=kubeconfig)
    except subprocess.CalledProcessError:
        return False
    return True


def test_service_account_token_is_accepted(local_environment: LocalEnvironment) -> None:
    kubectl(local_environment, "create", "serviceaccount", "robot")
    token = kubectl(local_environment, "create", "token", "robot").strip()
    kubeconfig = local_environment.control_plane.kubeconfig_with_token("robot", token)
    shown = kubectl(local_environment, "auth", "whoami", "-o", "json", kubeconfig=kubeconfig)
    assert json.loads(shown)["status"]["userInfo"]["username"] == (
        "system:serviceaccount:default:robot"
    )


def test_nobody_is_not_served(local_environment: LocalEnvironment) -> None:
    control_plane = local_environment.control_plane
    context = ssl.create_default_context(cafile=str(control_plane.ca_file))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{control_plane.url}/readyz", context=context)  # noqa: S310
    assert control_plane.url.startswith(f"https://{HOST}:")


def test_namespace_with_content_is_deleted(local_environment: LocalEnvironment) -> None:
    kubectl(local_environment, "create", "namespace", "short-lived")
    kubectl(local_environment, "create", "configmap", "something", "-n", "short-lived")
    kubectl(local_environment, "delete", "namespace", "short-lived", "--timeout=60s")
    assert not exists(local_environment, "namespace", "short-lived")


def test_owned_object_goes_with_its_owner(local_environment: LocalEnvironment) -> None:
    kubectl(local_environment, "create", "configmap", "owner")
    uid = kubectl(local_environment, "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    kubectl(local_environment, "create", "configmap", "owned")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    patch = json.dumps({"metadata": {"ownerReferences": [owner]}})
    kubectl(local_environment, "patch", "configmap", "owned", "-p", patch)
    kubectl(local_environment, "delete", "configmap", "owner")
    wait_until(
        lambda: not exists(local_environment, "configmap", "owned"), 30, "the owned one is gone"
    )


@pytest.mark.parametrize("policy", ["validatingadmissionpolicies", "mutatingadmissionpolicies"])
def test_admission_policies_are_served(local_environment: LocalEnvironment, policy: str) -> None:
    served = kubectl(
        local_environment, "api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name"
    )
    assert f"{policy}.admissionregistration.k8s.io" in served


def test_api_server_comes_back_at_the_same_place_with_its_data() -> None:
    with LocalEnvironment.temporary() as environment:
        control_plane = environment.control_plane
        url, pid = control_plane.url, control_plane.pids["kube-apiserver"]
        kubectl(environment, "create", "configmap", "kept")
        control_plane.stop_api_server()
        assert "kube-apiserver" not in control_plane.pids
        control_plane.start_api_server()
        assert control_plane.url == url
        assert control_plane.pids["kube-apiserver"] != pid
        assert exists(environment, "configmap", "kept")


def test_two_environments_at_once_know_nothing_of_each_other(
    local_environment: LocalEnvironment,
) -> None:
    with LocalEnvironment.temporary() as other:
        kubectl(other, "create", "namespace", "only-here")
        assert not exists(local_environment, "namespace", "only-here")
        stranger = other.control_plane.kubeconfig.read_text().replace(
            other.control_plane.url, local_environment.control_plane.url
        )
        path = other.folder / "stranger.kubeconfig"
        path.write_text(stranger)
        with pytest.raises(subprocess.CalledProcessError, match="returned non-zero"):
            kubectl(local_environment, "get", "namespaces", kubeconfig=path)
    assert not other.folder.exists()
