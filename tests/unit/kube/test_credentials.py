"""Which kubeconfig and namespace a reader's command takes."""

from pathlib import Path

import pytest
import yaml

from workflow_audit.errors import ClusterError
from workflow_audit.kube.kubeconfig import Credentials, credentials


@pytest.fixture(autouse=True)
def _outside_of_a_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def kubeconfig(path: Path, **namespaces: str | None) -> Path:
    """Write one with a context for each name; the first one is current."""
    path.parent.mkdir(parents=True, exist_ok=True)
    contexts = [
        {"name": name, "context": {"cluster": "c"} | ({"namespace": n} if n else {})}
        for name, n in namespaces.items()
    ]
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://c"}}],
        "contexts": contexts,
        "users": [],
        "current-context": next(iter(namespaces)),
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_order_is_that_of_kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = kubeconfig(tmp_path / "home" / ".kube" / "config", a="home")
    assert credentials(None, None) == Credentials(home, None, "home", "a")
    variable = kubeconfig(tmp_path / "variable", a="variable")
    monkeypatch.setenv("KUBECONFIG", str(variable))
    assert credentials(None, None) == Credentials(variable, None, "variable", "a")
    given = kubeconfig(tmp_path / "given", a="given")
    assert credentials(given, None) == Credentials(given, None, "given", "a")


def test_the_namespace_is_that_of_the_context(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", a="payments", b=None)
    assert credentials(path, None).namespace == "payments"
    assert credentials(path, "b") == Credentials(path, "b", "default", "b")


def test_several_files_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (kubeconfig(tmp_path / n, **{n: n}) for n in ("one", "two"))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'missing'}:{second}")
    assert credentials(None, "one").namespace == "one"
    assert credentials(None, "two").namespace == "two"


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", a=None)
    with pytest.raises(ClusterError, match="there is no context 'x' in the kubeconfig"):
        credentials(path, "x")


def test_no_kubeconfig_at_all(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"there is no kubeconfig: .* --kubeconfig"):
        credentials(None, None)
    with pytest.raises(ClusterError, match="none does not exist; give another"):
        credentials(tmp_path / "none", None)


@pytest.mark.parametrize("content", ["", "{}", "[]", "text", "clusters: [unfinished", "a: b"])
def test_a_kubeconfig_that_is_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(ClusterError, match=r"config cannot be (read|used)"):
        credentials(path, None)
