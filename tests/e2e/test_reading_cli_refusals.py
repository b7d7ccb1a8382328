"""What the command line refuses, or cannot reach, is said in words that help."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from support.eventually import eventually
from support.reader import Reader
from support.reading import ReadingServer, reading_server
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

Json = dict[str, Any]


def test_who_has_no_right_is_told_what_to_ask_for(server: ReadingServer, namespace: str) -> None:
    nobody = Reader.named(server.environment, "nobody")
    commands = (
        ("events", "list"), ("events", "get", str(uuid4())), ("events", "export"),
        ("events", "watch"), ("explain", "anything"),
    )  # fmt: skip
    for command in commands:
        said = nobody.fails(*command, "-n", namespace)
        assert said.startswith("workflow-audit: auditevents.auditlog.kubernaut.ai")
        assert 'User "nobody" cannot' in said
        assert f'in the namespace "{namespace}"' in said
        assert "spec.access.readers" in said
        assert "RoleBinding to the ClusterRole workflow-audit-reader" in said
    assert "at the cluster scope" in nobody.fails("events", "list", "-A")


def test_bad_selectors_are_answered_in_the_servers_words(ada: Reader, namespace: str) -> None:
    here = ("events", "list", "-n", namespace)
    said = ada.fails(*here, "--field-selector", "spec.x=1")
    assert "fieldSelector: 'spec.x' cannot be selected by; there are" in said
    said = ada.fails(*here, "-l", "team=a")
    assert "labelSelector: 'team' is no label of audit events" in said


def test_credentials_that_do_not_work(ada: Reader, namespace: str, tmp_path: Path) -> None:
    content = yaml.safe_load(ada.kubeconfig.read_text())

    def changed(change: Json, where: str) -> str:
        (only,) = content[f"{where}s"]
        path = tmp_path / f"{where}.kubeconfig"
        path.write_text(yaml.safe_dump(content | {f"{where}s": [only | {where: change}]}))
        return str(path)

    wrong = changed({"token": "correct-horse"}, "user")
    said = ada.fails("events", "list", KUBECONFIG=wrong)
    assert "The API server does not accept these credentials: log in" in said
    assert "correct-horse" not in said
    cluster = content["clusters"][0]["cluster"]
    away = changed(cluster | {"server": "https://127.0.0.1:1"}, "cluster")
    said = ada.fails("events", "list", KUBECONFIG=away)
    assert "the API server cannot be reached: Cannot connect to host 127.0.0.1:1" in said
    assert "Is the cluster up" in said
    said = ada.fails("events", "list", "--context", "elsewhere")
    assert "there is no context 'elsewhere' in the kubeconfig" in said
    said = ada.fails("events", "list", KUBECONFIG="")
    assert "there is no kubeconfig" in said
    said = ada.fails("events", "list", "--kubeconfig", "/nonexistent/config")
    assert "the kubeconfig /nonexistent/config does not exist" in said


def test_a_wrong_command_line(ada: Reader) -> None:
    for arguments, words in (
        (("events", "list", "--since", "yesterday"), "'yesterday' is no time"),
        (("events", "list", "--date", "24.11."), "is no date"),
        (("events", "list", "-n", "../x"), "'../x' is no namespace"),
        (("events", "list", "-n", "a", "-A"), "not both"),
        (("events", "list", "-o", "xml"), "xml"),
        (("events", "get", "x"), "x"),
        (("explain",), "ID"),
    ):
        assert words in ada.fails(*arguments, code=2, COLUMNS="200")


# Must be the last one: it takes the server away.


def test_an_api_that_is_not_there(prepared_environment: LocalEnvironment) -> None:
    admin = Reader.administrator(prepared_environment)
    hint = "`kubectl get apiservice v1alpha1.auditlog.kubernaut.ai`"
    with reading_server(prepared_environment):
        prepared_environment.stop_server(NAME)
        said = eventually(lambda: admin.fails("events", "list", "-A"), until=lambda words: words)
        assert "the API server does not serve audit events (503)" in said
        assert hint in said
    said = eventually(lambda: admin.fails("explain", "x"), until=lambda words: "(404)" in words)
    assert hint in said
