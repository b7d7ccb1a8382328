"""The chart, installed: on a control plane with a node, with the database as an administrator has it."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.api import Api
from support.chart import CHART, NAMESPACE, RELEASE
from support.environment import kubectl, psql
from support.go_tools import Program
from support.node.node import Node
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.store.migrating import PREPARE_SQL

Json = dict[str, Any]

ROLES = {
    "migration": "workflow_audit_owner",
    "operator": "workflow_audit_writer",
    "retention": "workflow_audit_retention",
    "apiserver": "workflow_audit_reader",
    "ingestion": "workflow_audit_writer",
}
"""Login -> its role, as docs/ has an administrator do it."""

WAITING = ("--wait", "--timeout", "90s")


@dataclass(frozen=True)
class Release:
    """A cluster into which the chart goes."""

    environment: LocalEnvironment
    api: Api
    helm: Program
    node: Node

    def values(self, changes: Mapping[str, Any] | None = None) -> Json:
        """Give values for this cluster."""
        postgres = self.environment.postgres
        own: Json = {
            "database": {
                "host": "127.0.0.1",
                "port": postgres.port,
                "sslmode": "disable",  # the server of tests has no certificate
            },
            "apiserver": {
                "service": {"port": 8443},  # below 1024 only root may listen
                "ingestion": {"enabled": True},
            },
        }
        return merged(own, changes or {})

    def install(self, changes: Mapping[str, Any] | None = None, chart: Path = CHART) -> str:
        """Install or upgrade, and wait until all of it is ready."""
        return self.run("upgrade", "--install", RELEASE, str(chart), *WAITING, values=changes or {})

    def uninstall(self) -> str:
        """Take it away."""
        return self.run("uninstall", RELEASE, *WAITING)

    def run(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Run Helm as the administrator."""
        given = ("--values", "-") if values is not None else ()
        stdin = yaml.safe_dump(self.values(values)) if values is not None else ""
        kubeconfig = {"KUBECONFIG": str(self.environment.kubeconfig)}
        command = [*arguments, "--namespace", NAMESPACE, *given]
        done = self.helm.answer(*command, stdin=stdin, environment=kubeconfig)
        said = f"{done.stdout}{done.stderr}"
        assert done.returncode == 0, f"{said}\n{self.node.log('')[-4000:]}"
        return said

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as the administrator."""
        return kubectl(self.environment, *arguments)

    def set_password(self, login: str, password: str) -> None:
        """Give a login a password, in the database and in its Secret."""
        psql(self.environment.postgres, f"ALTER ROLE audit_{login} LOGIN PASSWORD '{password}'")
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets/workflow-audit-{login}-database"
        self.api.apply(path, database_secret(login, password))


@contextmanager
def release(
    environment: LocalEnvironment, helm: Program, folder: Path
) -> Iterator[Release]:
    """Give a cluster that is ready for the chart; pods end with the block."""
    with Api(environment) as api:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": NAMESPACE, "labels": labels}
        api.create("/api/v1/namespaces", {"metadata": metadata})
        psql(environment.postgres, PREPARE_SQL)
        with Node(environment, api, NAMESPACE, folder) as node:
            cluster = Release(environment, api, helm, node)
            for login, role in ROLES.items():
                psql(environment.postgres, f"CREATE ROLE audit_{login} IN ROLE {role}")
                cluster.set_password(login, secrets.token_urlsafe(16))
            yield cluster


def database_secret(login: str, password: str) -> Json:
    """Give the Secret of a login."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"workflow-audit-{login}-database"},
        "type": "kubernetes.io/basic-auth",
        "stringData": {"username": f"audit_{login}", "password": password},
    }


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> Json:
    """Give both maps as one; the second one wins."""
    result = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result
