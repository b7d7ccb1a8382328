"""The SBOM names what the image runs: all of it, nothing else, the same at every time."""

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from licences import refusals
from sbom import LOCK, SPEC_VERSION, describe, runtime_environment
from workflow_audit import __version__

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the Python of an environment with the locked runtime dependencies."""
    return runtime_environment(tmp_path_factory.mktemp("runtime"), LOCK)


@pytest.fixture(scope="module")
def sbom_file(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the SBOM; writing it fails when it does not follow CycloneDX's schema."""
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    describe(environment, path)
    return path


@pytest.fixture(scope="module")
def sbom(sbom_file: Path) -> dict[str, Any]:
    """Give the content of the SBOM."""
    content: dict[str, Any] = json.loads(sbom_file.read_text())
    return content


def locked() -> dict[str, str]:
    """Give the version of each package that the lock installs on this platform."""
    lines = LOCK.read_text().replace("\\\n", " ").splitlines()
    requirements = [Requirement(line.partition(" --hash")[0]) for line in lines if "==" in line]
    here = [one for one in requirements if one.marker is None or one.marker.evaluate()]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}


def test_it_names_every_locked_package_and_nothing_else(sbom: dict[str, Any]) -> None:
    named = {canonicalize_name(one["name"]): one["version"] for one in sbom["components"]}
    assert named == locked()
    assert len(named) > 50


def test_every_package_can_be_looked_up_by_its_url(sbom: dict[str, Any]) -> None:
    for one in sbom["components"]:
        assert one["purl"] == f"pkg:pypi/{canonicalize_name(one['name'])}@{one['version']}"


def test_it_is_about_this_version_and_says_who_needs_whom(sbom: dict[str, Any]) -> None:
    about = sbom["metadata"]["component"]
    assert (about["name"], about["version"]) == ("workflow-audit", __version__)
    assert sbom["specVersion"] == SPEC_VERSION
    needs = {one["ref"]: one.get("dependsOn", []) for one in sbom["dependencies"]}
    ours = {need.partition("==")[0] for need in needs[about["bom-ref"]]}
    assert {"kopf", "psycopg", "fastapi"} <= ours


def test_the_same_lock_gives_the_same_bytes(
    environment: Path, sbom_file: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.json"
    describe(environment, again, "--no-validate")
    assert again.read_bytes() == sbom_file.read_bytes()


def test_nothing_of_this_machine_is_in_it(environment: Path, sbom_file: Path) -> None:
    text = sbom_file.read_text()
    assert str(environment.parents[1]) not in text
    assert "file:" not in text


def test_we_may_ship_all_of_it(sbom: dict[str, Any]) -> None:
    assert refusals(sbom["components"]) == []
