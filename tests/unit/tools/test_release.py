from typing import Any

import pytest
import yaml

from release import CHART_FILE, VALUES_FILE, disagreements, release_notes, with_image
from workflow_audit import __version__

CHANGELOG = """\
# Changes

## [Unreleased]

## [1.2.0] - 2026-11-27

### Added

- Something.

## [1.1.0]

- Something older.

[1.2.0]: https://example.org/1.2.0
"""

CHART = {"version": "1.2.0", "appVersion": "1.2.0"}


def test_a_release_that_agrees_with_itself() -> None:
    assert disagreements("v1.2.0", "1.2.0", CHART, CHANGELOG) == []


@pytest.mark.parametrize(
    ("tag", "package", "chart", "named"),
    [
        pytest.param("1.2.0", "1.2.0", CHART, "tag: '1.2.0' is no version", id="no-v"),
        pytest.param("v1.2", "1.2", CHART, "tag: 'v1.2' is no version", id="no-patch"),
        pytest.param("v1.2.0\n", "1.2.0", CHART, "tag: ", id="a-line-end"),
        pytest.param("v1.2.0", "1.1.0", CHART, "__version__: '1.1.0' is not", id="package"),
        pytest.param(
            "v1.2.0", "1.2.0", CHART | {"version": "1.1.0"}, "yaml: version: '1.1.0'", id="chart"
        ),
        pytest.param(
            "v1.2.0", "1.2.0", CHART | {"appVersion": 1.2}, "appVersion: 1.2 is", id="app"
        ),
        pytest.param("v1.2.0", "1.2.0", {"version": "1.2.0"}, "appVersion: None", id="no-app"),
    ],
)
def test_what_disagrees_is_named(tag: str, package: str, chart: dict[str, Any], named: str) -> None:
    (problem,) = disagreements(tag, package, chart, CHANGELOG)
    assert named in problem


@pytest.mark.parametrize("tag", ["v1.3.0", "v1.20.0", "v1.2.00"])
def test_a_version_without_notes_is_refused(tag: str) -> None:
    version = tag.removeprefix("v")
    chart = {"version": version, "appVersion": version}
    (problem,) = disagreements(tag, version, chart, CHANGELOG)
    assert problem.startswith(f"CHANGELOG.md: says nothing under [{version}]")


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        pytest.param("1.2.0", "### Added\n\n- Something.", id="between-two"),
        pytest.param("1.1.0", "- Something older.", id="last-without-links"),
        pytest.param("Unreleased", "", id="empty"),
        pytest.param("1.0.0", "", id="unknown"),
    ],
)
def test_notes_of_a_version(version: str, notes: str) -> None:
    assert release_notes(CHANGELOG, version) == notes


def test_package_and_chart_have_the_same_version_now() -> None:
    chart = yaml.safe_load(CHART_FILE.read_text())
    problems = disagreements(f"v{__version__}", __version__, chart, f"## [{__version__}]\n- It.\n")
    assert problems == []


DIGEST = f"sha256:{'ab' * 32}"


def test_a_released_chart_runs_the_image_of_its_release() -> None:
    before = VALUES_FILE.read_text()
    after = with_image(before, f"ghcr.io/owner/name@{DIGEST}")
    expected = yaml.safe_load(before)
    expected["image"] |= {"repository": "ghcr.io/owner/name", "digest": DIGEST}
    assert yaml.safe_load(after) == expected
    assert after.count("#") == before.count("#")


@pytest.mark.parametrize("image", ["ghcr.io/owner/name", "ghcr.io/owner/name:1.2.3", f"@{DIGEST}0"])
def test_an_image_without_a_digest_is_refused(image: str) -> None:
    with pytest.raises(SystemExit, match="has no digest"):
        with_image(VALUES_FILE.read_text(), image)


def test_values_that_look_otherwise_are_refused() -> None:
    with pytest.raises(SystemExit, match="no single line 'repository: workflow-audit'"):
        with_image("image:\n  repository: another\n", f"ghcr.io/owner/name@{DIGEST}")
