"""Finds the control plane's programs, or makes them: etcd, kube-apiserver, and so on.

In this order: KUBEBUILDER_ASSETS, the cache, a download (seconds), a Go build (minutes). A
source that fails says why, and the next one is tried.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local import progress
from workflow_audit.local.checked_folder import (
    Say,
    checked_folder,
    damage,
    exclusive_lock,
    is_whole,
)
from workflow_audit.local.control_plane_build import build
from workflow_audit.local.download import download, published_source
from workflow_audit.local.folders import PUBLIC_FOLDER, cache_folder
from workflow_audit.local.versions import (
    COMPONENTS,
    ENVTEST_VERSION,
    KUBERNETES_VERSION,
    folder_name,
    platform_name,
)

ASSETS_VARIABLE = "KUBEBUILDER_ASSETS"
"""Folder of binaries that the user has already, as for envtest; used as it is, unchecked."""


@dataclass(frozen=True)
class Maker:
    """One way to get the programs of one version."""

    title: str
    version: str
    make: Callable[[Path], None]
    """Fills an empty folder."""


def control_plane_binaries(say: Say = progress.say) -> Path:
    """Give the folder of the four programs; makes them the first time.

    Raises:
        LocalError: no way works on this machine; says of each why.
    """
    given = given_assets(os.environ, say)
    if given:
        return given
    platform = platform_name()
    return first_that_works(cache_folder() / "controlplane", platform, makers(platform, say), say)


def given_assets(environment: Mapping[str, str], say: Say) -> Path | None:
    """Give the folder that KUBEBUILDER_ASSETS names, if all four programs are there."""
    named = environment.get(ASSETS_VARIABLE)
    if not named:
        return None
    folder = Path(named).absolute()
    if missing := missing_programs(folder):
        say(f"{ASSETS_VARIABLE}={named} is not used: no {', '.join(missing)} there")
        return None
    return folder


def missing_programs(folder: Path) -> list[str]:
    """Name the programs that are not in a folder."""
    return [name for name in COMPONENTS if not os.access(folder / name, os.X_OK)]


def makers(platform: str, say: Say) -> list[Maker]:
    """Give the ways for a platform; the quick one first."""
    ways = [Maker("Go build", KUBERNETES_VERSION, lambda folder: build(folder, say))]
    source = published_source(platform)
    if source:
        way = Maker("download", ENVTEST_VERSION, lambda folder: download(source, folder))
        ways.insert(0, way)
    return ways


def first_that_works(base: Path, platform: str, ways: list[Maker], say: Say) -> Path:
    """Give a whole folder from the cache, else from the first maker that succeeds.

    Args:
        base: folder in the cache; made if need be.
        platform: as Go names it.
        ways: in the order in which they are tried.
        say: shows a line to the user.

    Raises:
        LocalError: all of them failed.
    """
    base.mkdir(mode=PUBLIC_FOLDER, exist_ok=True)
    # Without the lock: whoever makes another version, which takes minutes, is in nobody's way.
    targets = [base / folder_name(way.version, platform) for way in ways]
    for target in targets:
        if target.is_dir() and damage(target) is None:
            return target
    # One at a time: a second run must find what the first one makes, not make its own.
    with exclusive_lock(base / f"{platform}.lock", say):
        for target in targets:
            if is_whole(target, say):
                return target
        failures = []
        for way in ways:
            try:
                return _made(base, platform, way, say)
            except LocalError as error:
                failures.append(f"{way.title}: {error}")
                say(f"{way.title} does not work: {error}")
    raise LocalError(
        "the control plane's programs cannot be had:\n"
        + "\n".join(f"- {failure}" for failure in failures)
        + f"\nSet {ASSETS_VARIABLE} to a folder with {', '.join(COMPONENTS)}, or repair one of "
        "the ways above."
    )


def adopt(built: Path, say: Say = progress.say) -> Path:
    """Put programs that were built elsewhere into the cache, as if we had built them."""

    def copy(folder: Path) -> None:
        for name in COMPONENTS:
            source = built / name
            if name == "etcd" and not source.is_file():
                source = built / "server"  # as go names it
            shutil.copy2(source, folder / name)

    platform = platform_name()
    base = cache_folder() / "controlplane"
    return first_that_works(base, platform, [Maker("adoption", KUBERNETES_VERSION, copy)], say)


def _made(base: Path, platform: str, way: Maker, say: Say) -> Path:
    def make_and_try(folder: Path) -> None:
        way.make(folder)
        if missing := missing_programs(folder):
            raise LocalError(f"{', '.join(missing)} did not come out")
        _require_version(folder / "kube-apiserver", way.version)

    return checked_folder(base / folder_name(way.version, platform), make_and_try, say)


def _require_version(program: Path, version: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - just made, its checksum verified
            [program, "--version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalError(f"{program.name} does not run here: {error}") from error
    if done.stdout.split() != ["Kubernetes", version]:
        said = (done.stdout + done.stderr).strip()
        raise LocalError(f"{program.name} --version says {said!r} instead of {version}")
