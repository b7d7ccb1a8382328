"""State file, kubeconfig, exports, folders: what other programs and other runs read."""

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from workflow_audit.certificates import KeyPair
from workflow_audit.errors import LocalError
from workflow_audit.local import folders
from workflow_audit.local.environment import shell_exports, shell_variables
from workflow_audit.local.kubeconfig import certificate_kubeconfig, file_name, token_kubeconfig
from workflow_audit.local.postgres import libpq_url
from workflow_audit.local.processes import ProcessId
from workflow_audit.local.state import STATE_FILE, Component, StateFile

HERE = ProcessId.of(os.getpid())


def test_state_survives_its_writer(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    state.set_port("etcd", 20001)
    state.set_passwords({"postgres": "secret"})
    state.set_programs(control_plane=Path("/cache/v1"))
    state.add(Component("etcd", HERE, "127.0.0.1:20001", "SIGTERM"))
    again = StateFile(tmp_path)
    assert again.port("etcd") == 20001
    assert again.password("postgres") == "secret"
    assert again.programs == {"control_plane": Path("/cache/v1")}
    assert again.running("etcd") == Component("etcd", HERE, "127.0.0.1:20001", "SIGTERM")
    again.remove("etcd")
    assert StateFile(tmp_path).components == {}


def test_state_is_private(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    state.set_passwords({"postgres": "secret"})
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o600


def test_recycled_pid_is_not_taken_for_the_process(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    older = ProcessId(HERE.pid, HERE.created - 3600)
    state.add(Component("etcd", older, "127.0.0.1:20001", "SIGTERM"))
    assert state.running("etcd") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ports": {}}'])
def test_state_that_is_not_ours_is_refused_with_a_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / STATE_FILE).write_text(text)
    with pytest.raises(LocalError, match="local down --purge"):
        StateFile(tmp_path)


def test_unknown_role_names_the_known_ones(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    state.set_passwords({"reader": "x", "writer": "y"})
    with pytest.raises(LocalError, match="'root'; known are reader, writer"):
        state.password("root")


def test_kubeconfig_of_a_user() -> None:
    text = certificate_kubeconfig("https://127.0.0.1:1", "CA", "jane", KeyPair("CRT", "KEY"))
    config = yaml.safe_load(text)
    assert config["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    assert config["clusters"][0]["cluster"]["certificate-authority-data"] == "Q0E="
    assert config["users"][0]["user"]["client-certificate-data"] == "Q1JU"
    assert config["contexts"][0]["name"] == config["current-context"]


def test_kubeconfig_of_a_token() -> None:
    config = yaml.safe_load(token_kubeconfig("https://127.0.0.1:1", "CA", "robot", "abc"))
    assert config["users"] == [{"name": "robot", "user": {"token": "abc"}}]


def test_every_user_has_a_file_of_its_own() -> None:
    names = {
        file_name("jane"),
        file_name("jane", ("sre",)),
        file_name("jane", ("sre", "dev")),
        file_name("system:serviceaccount:a:b"),
        file_name("system:serviceaccount-a:b"),
        file_name("../../etc/passwd"),
    }
    assert len(names) == 6
    assert not any("/" in name or ":" in name for name in names)


def test_exports_survive_a_shell() -> None:
    variables = {"KUBECONFIG": "/a b/$c 'd'", "PATH": "/x y:/z"}
    script = f'{shell_exports(variables)}\nprintf "%s\\n%s" "$KUBECONFIG" "$PATH"'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        check=True,
        env={"PATH": "/usr/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["/a b/$c 'd'", "/x y:/z:/usr/bin"]


def test_shell_variables(tmp_path: Path) -> None:
    state = StateFile(tmp_path)
    state.set_port("postgres", 20002)
    state.set_passwords(
        {"workflow_audit_writer": "p@ss/word", "workflow_audit_retention": "another"}
    )
    state.set_programs(control_plane=Path("/k8s"), postgres=Path("/pg"))
    variables = shell_variables(tmp_path, state)
    assert variables == {
        "KUBECONFIG": f"{tmp_path}/control-plane/admin.kubeconfig",
        "AUDIT_DATABASE_URL": (
            "postgresql://workflow_audit_writer:p%40ss%2Fword@127.0.0.1:20002/audit"
        ),
        "AUDIT_RETENTION_DATABASE_URL": (
            "postgresql://workflow_audit_retention:another@127.0.0.1:20002/audit"
        ),
        "PGPASSFILE": f"{tmp_path}/postgres/pgpass",
        "PATH": "/k8s:/pg",
    }
    assert shlex.split(shell_exports(variables))


def test_nothing_to_export_before_the_first_start(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="local up"):
        shell_variables(tmp_path, StateFile(tmp_path))


def test_url_escapes_what_has_a_meaning_in_urls() -> None:
    url = libpq_url("a@b", "c:d/e?f", 1, "g h")
    assert url == "postgresql://a%40b:c%3Ad%2Fe%3Ff@127.0.0.1:1/g%20h"


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv(folders.STATE_VARIABLE, str(tmp_path / "state"))
    assert folders.cache_folder() == tmp_path / "cache"
    assert (tmp_path / "cache").is_dir()
    assert folders.state_folder() == tmp_path / "state"
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("root", [True, False])
def test_folders_without_wishes(monkeypatch: pytest.MonkeyPatch, root: bool) -> None:
    monkeypatch.delenv(folders.STATE_VARIABLE, raising=False)
    monkeypatch.setattr(folders, "is_root", lambda: root)
    state = folders.state_folder()
    assert state.name == "local"
    assert state.is_relative_to(Path.home()) is not root


def test_folder_that_cannot_be_made_names_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(folders.CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(LocalError, match="set WORKFLOW_AUDIT_CACHE"):
        folders.cache_folder()


def test_closed_parent_folder_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(LocalError, match="cannot pass"):
        folders.require_passage(closed / "data", "nobody")


def test_private_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    folders.write_private(path, "old")
    with pytest.raises(UnicodeEncodeError):
        folders.write_private(path, "new \udcff")
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["secret"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
