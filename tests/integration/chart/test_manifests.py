"""manifests/ is what the chart makes, for those without Helm."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.chart import ROOT, Json, Values, by_template, objects, rendered
from support.go_tools import Program
from support.golden import Golden
from workflow_audit.local.binaries import control_plane_binaries

MANIFESTS = ROOT / "manifests"

PLAIN: Values = {"migration": {"mode": "InitContainer"}, "crds": {"upgrade": False}}
"""Without hooks, which only Helm and Argo CD know."""

NOT_SHIPPED = ("tests/", "trial/", "migration/", "crds/", "apiserver/autoscaling")

COMPONENTS: dict[str, tuple[str, Values]] = {
    "certificates/cert-manager.yaml": (
        "cert-manager/certificates.yaml",
        {"certificates": {"source": "cert-manager"}},
    ),
    "optional/catalogue.yaml": (
        "catalogue-token/rights.yaml",
        {"catalogue": {"tokenSecret": "workflow-audit-catalogue"}},
    ),
    "optional/http-ingestion.yaml": (
        "http-ingestion/rights.yaml",
        {"apiserver": {"ingestion": {"enabled": True}}},
    ),
    "optional/pod-monitor.yaml": (
        "prometheus-operator/pod-monitor.yaml",
        {"monitoring": {"podMonitor": {"enabled": True}}},
    ),
    "optional/reading-for-viewers.yaml": (
        "reading-for-viewers/role.yaml",
        {"rbac": {"viewersRead": True}},
    ),
}
"""Template -> file under manifests/components, and the values with which it is made."""

OVERLAYS: dict[str, tuple[Values, bool]] = {
    "default": ({}, True),
    "cert-manager": ({"certificates": {"source": "cert-manager"}}, True),
    "kubernetes-1.35": ({}, False),
    "everything": (
        {
            "apiserver": {"ingestion": {"enabled": True}},
            "catalogue": {"tokenSecret": "workflow-audit-catalogue"},
            "monitoring": {"podMonitor": {"enabled": True}},
            "rbac": {"viewersRead": True},
        },
        True,
    ),
}
"""Folder under manifests/overlays -> the values that make the same, and whether names are stamped."""


def manifest(text: str) -> str:
    """Give what was rendered without what speaks of Helm."""
    lines = [
        line
        for line in text.splitlines()
        if line.strip() and not re.search(r"helm\.sh/chart:|managed-by: Helm$", line)
    ]
    return "\n".join(["# Generated from the chart by `make golden`.", *lines, ""])


def test_the_base_is_what_the_chart_makes(helm: Program, golden: Golden) -> None:
    made = by_template(rendered(helm, PLAIN))
    wanted = {path: text for path, text in made.items() if not path.startswith(NOT_SHIPPED)}
    for path, text in wanted.items():
        golden(str(MANIFESTS / "base" / path), manifest(text))
    shipped = {str(each.relative_to(MANIFESTS / "base")) for each in generated("base")}
    assert shipped == set(wanted)


@pytest.mark.parametrize("template", COMPONENTS)
def test_components_are_what_the_chart_makes(helm: Program, golden: Golden, template: str) -> None:
    file, values = COMPONENTS[template]
    made = by_template(rendered(helm, {**PLAIN, **values}))
    golden(str(MANIFESTS / "components" / file), manifest(made[template]))


def generated(folder: str) -> list[Path]:
    own = ("kustomization.yaml", "namespace.yaml")
    return [each for each in (MANIFESTS / folder).rglob("*.yaml") if each.name not in own]


def test_all_components_are_tested() -> None:
    shipped = {str(each.relative_to(MANIFESTS / "components")) for each in generated("components")}
    assert shipped == {file for file, _ in COMPONENTS.values()}
    assert {each.name for each in (MANIFESTS / "overlays").iterdir()} == set(OVERLAYS)


@pytest.mark.cluster
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_what_helm_makes_of_its_values(helm: Program, overlay: str) -> None:
    values, stamp = OVERLAYS[overlay]
    by_helm = [
        without_helm(each)
        for template, text in by_template(rendered(helm, {**PLAIN, **values}, stamp=stamp)).items()
        if not template.startswith("tests/")
        for each in objects(text)
    ]
    kubectl = Program(control_plane_binaries() / "kubectl")
    by_kustomize = objects(kubectl.run("kustomize", str(MANIFESTS / "overlays" / overlay)))
    assert [each for each in by_kustomize if each["kind"] == "Namespace"]
    rest = [each for each in by_kustomize if each["kind"] != "Namespace"]
    assert plain(sorted(rest, key=identity)) == plain(sorted(by_helm, key=identity))


def identity(each: Json) -> tuple[str, str, str]:
    metadata = each["metadata"]
    return each["kind"], metadata.get("namespace", ""), metadata["name"]


def plain(value: Any) -> Any:
    """Leave out what kustomize changes and nobody minds: the order of names, and folds of text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        each_plain = [plain(each) for each in value]
        named = all(isinstance(each, dict) and "name" in each for each in each_plain)
        return sorted(each_plain, key=lambda each: each["name"]) if named else each_plain
    return " ".join(value.split()) if isinstance(value, str) else value


def without_helm(each: Json) -> Json:
    labels = {
        key: value
        for key, value in each["metadata"]["labels"].items()
        if key not in {"helm.sh/chart", "app.kubernetes.io/managed-by"}
    }
    return {**each, "metadata": {**each["metadata"], "labels": labels}}


def test_definitions_are_those_of_the_models() -> None:
    names = [each.name for each in (ROOT / "crds").iterdir()]
    assert len(names) == 3
    for folder in (MANIFESTS / "crds", ROOT / "charts" / "workflow-audit" / "crds"):
        copies = {each.name: each.read_bytes() for each in folder.glob("audit*.yaml")}
        assert copies == {name: (ROOT / "crds" / name).read_bytes() for name in names}
