from collections.abc import Callable
from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.binaries import (
    ASSETS_VARIABLE,
    Maker,
    first_that_works,
    given_assets,
    makers,
)
from workflow_audit.local.versions import COMPONENTS

PLATFORM = "linux-amd64"


def program_files(version: str, names: tuple[str, ...] = COMPONENTS) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        for name in names:
            (folder / name).write_text(f"#!/bin/sh\necho Kubernetes {version}\n")
            (folder / name).chmod(0o755)

    return make


def fails(folder: Path) -> None:
    (folder / "half").write_text("made")
    raise LocalError("cannot be reached")


QUICK = Maker("download", "v1.37.0", program_files("v1.37.0"))
SLOW = Maker("Go build", "v1.37.2", program_files("v1.37.2"))
BROKEN = Maker("download", "v1.37.0", fails)
INCOMPLETE = Maker("download", "v1.37.0", program_files("v1.37.0", COMPONENTS[:3]))
WRONG = Maker("download", "v1.37.0", program_files("v1.36.0"))


@pytest.mark.parametrize(
    ("cached", "ways", "chosen"),
    [
        pytest.param([], [QUICK, SLOW], "v1.37.0", id="the-first-way-wins"),
        pytest.param([SLOW], [QUICK, SLOW], "v1.37.2", id="the-cache-comes-before-every-way"),
        pytest.param([], [BROKEN, SLOW], "v1.37.2", id="a-way-that-fails-is-passed-over"),
        pytest.param([], [INCOMPLETE, SLOW], "v1.37.2", id="so-is-one-that-lacks-a-program"),
        pytest.param([], [WRONG, SLOW], "v1.37.2", id="and-one-with-another-version"),
    ],
)
def test_order_of_sources(
    tmp_path: Path, cached: list[Maker], ways: list[Maker], chosen: str
) -> None:
    said: list[str] = []
    base = tmp_path / "controlplane"
    for way in cached:
        first_that_works(base, PLATFORM, [way], said.append)
    assert first_that_works(base, PLATFORM, ways, said.append).name == f"{chosen}-{PLATFORM}"
    assert not list(base.glob(".*"))


def test_when_nothing_works_every_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalError) as caught:
        first_that_works(tmp_path / "cache", PLATFORM, [BROKEN, INCOMPLETE], lambda _: None)
    message = str(caught.value)
    assert "- download: cannot be reached" in message
    assert "kubectl did not come out" in message
    assert f"Set {ASSETS_VARIABLE} to a folder" in message


def test_damaged_programs_are_made_anew(tmp_path: Path) -> None:
    said: list[str] = []
    folder = first_that_works(tmp_path / "cache", PLATFORM, [SLOW], said.append)
    (folder / "etcd").write_text("#!/bin/sh\necho something else\n")
    assert first_that_works(tmp_path / "cache", PLATFORM, [SLOW], said.append) == folder
    assert "something else" not in (folder / "etcd").read_text()
    assert "etcd does not have its checksum" in said[0]


def test_given_assets_are_used_as_they_are(tmp_path: Path) -> None:
    program_files("v1.99.0")(tmp_path)
    assert given_assets({ASSETS_VARIABLE: str(tmp_path)}, lambda _: None) == tmp_path


def test_incomplete_assets_are_told_and_passed_over(tmp_path: Path) -> None:
    said: list[str] = []
    program_files("v1.99.0", ("etcd", "kube-apiserver", "kubectl"))(tmp_path)
    assert given_assets({ASSETS_VARIABLE: str(tmp_path)}, said.append) is None
    assert said == [f"{ASSETS_VARIABLE}={tmp_path} is not used: no kube-controller-manager there"]


def test_no_assets_given() -> None:
    assert given_assets({}, pytest.fail) is None


@pytest.mark.parametrize(
    ("platform", "titles"),
    [
        pytest.param("linux-amd64", ["download", "Go build"], id="quick-way-first"),
        pytest.param("darwin-arm64", ["Go build"], id="nothing-is-published-for-a-mac"),
    ],
)
def test_ways_of_a_platform(platform: str, titles: list[str]) -> None:
    assert [way.title for way in makers(platform, lambda _: None)] == titles
