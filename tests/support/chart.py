"""The chart, rendered: as a whole, by template, as objects."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from support.go_tools import Program

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "workflow-audit"
RELEASE = NAMESPACE = "workflow-audit"

STAMP = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
"""What Helm asks the cluster for; without a cluster it has to be told."""

Json = dict[str, Any]
Values = Mapping[str, Any]


def rendered(helm: Program, values: Values | None = None, *, stamp: bool = True) -> str:
    """Give all that the chart makes of values, hooks included.

    Args:
        helm: the program.
        values: that differ from values.yaml.
        stamp: whether the cluster has mutating admission policies.
    """
    served = ["--api-versions", STAMP] if stamp else []
    command = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, *served, "--values", "-"]
    return helm.run(*command, stdin=yaml.safe_dump(dict(values or {})))


def refusal(helm: Program, values: Values) -> str:
    """Give what Helm says of values that it refuses."""
    command = ["template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--values", "-"]
    done = helm.answer(*command, stdin=yaml.safe_dump(dict(values)))
    assert done.returncode != 0, "these values are taken"
    return done.stderr


def by_template(text: str) -> dict[str, str]:
    """Give what was rendered by the path of its template, comments included."""
    found: dict[str, list[str]] = {}
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        source, _, rest = document.partition("\n")
        if source.startswith("# Source: "):
            path = source.removeprefix("# Source: workflow-audit/templates/")
            found.setdefault(path, []).append(rest.strip("\n") + "\n")
    return {path: "---\n".join(parts) for path, parts in found.items()}


def objects(text: str) -> list[Json]:
    """Give the objects of a stream of YAML."""
    return [each for each in yaml.safe_load_all(text) if each]


def one(found: list[Json], kind: str, name: str) -> Json:
    """Give the object of a kind and name."""
    (only,) = [each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return only
