"""What service accounts asked the API server for, by its own audit log."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_audit.local.control_plane_flags import Extras

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:workflow-audit"]
  - level: None
"""

REFUSED = (401, 403)

Json = dict[str, Any]


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource; `name` where only one object is meant."""

    verb: str
    group: str
    resource: str
    name: str = ""


@dataclass(frozen=True)
class AuditLog:
    """The log, in a folder that is there before the API server starts."""

    folder: Path

    @property
    def extras(self) -> Extras:
        """Flags by which the API server writes it."""
        policy = self.folder / "policy.yaml"
        policy.write_text(POLICY, encoding="utf-8")
        return Extras((), (f"--audit-policy-file={policy}", f"--audit-log-path={self._file}"))

    @property
    def _file(self) -> Path:
        return self.folder / "audit.log"

    def used(self, account: str) -> set[Right]:
        """Give the rights by which the API server let an account in, whatever it found then."""
        user = f"system:serviceaccount:workflow-audit:{account}"
        entries = map(json.loads, self._file.read_text(encoding="utf-8").splitlines())
        return {
            right
            for entry in entries
            if entry["user"]["username"] == user and entry["responseStatus"]["code"] not in REFUSED
            for right in _needed(entry)
        }


def _needed(entry: Json) -> Iterable[Right]:
    asked = entry.get("objectRef")
    if not asked:
        return  # discovery and versions, which everybody may ask for
    resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
    group, name = asked.get("apiGroup", ""), asked.get("name", "")
    yield Right(entry["verb"], group, resource, name)
    if entry["verb"] == "patch" and entry["responseStatus"]["code"] == 201:
        yield Right("create", group, resource)  # applied where nothing was: both are asked for


def granted(rules: Iterable[Json]) -> set[Right]:
    """Give what rules of a role grant, one by one."""
    return {
        Right(verb, group, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


def unused(given: set[Right], used: set[Right]) -> list[Right]:
    """Give the rights that nothing was done with."""
    anyhow = {Right(right.verb, right.group, right.resource) for right in used}
    return sorted(given - used - anyhow)
