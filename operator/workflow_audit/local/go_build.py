"""Builds programs from Go modules: no Go source of ours, every module in go.sum.

A folder holds a go.mod, which names the programs as tools, and its go.sum; go builds what is named
and checks each module against go.sum, so that the same sources come from any proxy.
"""

import os
import shutil
import signal
import subprocess
from importlib.resources.abc import Traversable
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local.checked_folder import Say
from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.processes import Child, Launch, stop_processes
from workflow_audit.local.progress import Reporter, reported
from workflow_audit.local.versions import GO_VERSION, parsed_go_version, platform_name
from workflow_audit.local.waiting import holds_within

OLDEST_GO_THAT_FETCHES = (1, 21)
"""From this version on go fetches a newer toolchain by itself, if it is allowed to."""

BUILD_SECONDS = 3600.0
"""About 8 minutes on 2 cores; a slow network and a slow machine may take far longer."""


def build_tools(title: str, module: Traversable, variables: str, folder: Path, say: Say) -> None:
    """Build all tools of a module into a folder.

    Args:
        title: what is built, with its version, for the user.
        module: folder of go.mod and go.sum.
        variables: flags of the linker that write the version in.
        folder: gets the programs, each called after its package's folder.
        say: shows a line to the user.

    Raises:
        LocalError: Go is missing or too old, or the build fails; with the end of its output.
    """
    environment = {**os.environ, **go_settings(local_go_version())}
    with guarded_folder(say) as scratch:
        for name in ("go.mod", "go.sum"):
            (scratch / name).write_bytes((module / name).read_bytes())
        with reported(f"building {title} with Go") as report:
            listed = _run(scratch, ["list", "-deps", "tool"], environment, report, None)
            packages = len(package_lines(listed))
            command = ["build", "-v", "-trimpath", "-buildvcs=false"]
            command += ["-ldflags", f"-s -w {variables}", "-o", str(folder), "tool"]
            _run(scratch, command, environment, report, packages)
            report.finish(f"{packages} packages")


def local_go_version() -> tuple[int, int]:
    """Give the version of the Go that is installed.

    Raises:
        LocalError: none is.
    """
    go = shutil.which("go")
    wanted = f"Go {GO_VERSION[0]}.{GO_VERSION[1]} or newer"
    if go is None:
        raise LocalError(f"go is not on the PATH; install {wanted} from https://go.dev/dl/")
    done = subprocess.run(  # noqa: S603 - the user's own go
        [go, "version"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    )
    version = parsed_go_version(done.stdout)
    if version is None:
        said = (done.stderr or done.stdout).strip()
        raise LocalError(f"`{go} version` says {said!r}; install {wanted} from https://go.dev/dl/")
    return version


def go_settings(version: tuple[int, int]) -> dict[str, str]:
    """Give the settings that a build depends on, whatever the user's own ones say.

    Args:
        version: of the Go that is installed.

    Raises:
        LocalError: it is too old to build, and to fetch a newer one.
    """
    if version < OLDEST_GO_THAT_FETCHES:
        raise LocalError(
            f"Go {version[0]}.{version[1]} is too old; install Go {GO_VERSION[0]}.{GO_VERSION[1]} "
            "or newer from https://go.dev/dl/"
        )
    system, _, architecture = platform_name().partition("-")
    settings = {
        "GOFLAGS": "-mod=readonly",  # not empty: then go would read it from its own settings
        "GOWORK": "off",
        "GO111MODULE": "on",
        "GOOS": system,
        "GOARCH": architecture,
        "CGO_ENABLED": "0",
    }
    if version < GO_VERSION:
        settings["GOTOOLCHAIN"] = "auto"
    return settings


def package_lines(output: str) -> list[str]:
    """Give the packages that `go list -deps` or `go build -v` named; the rest is go's talk."""
    lines = (line.strip() for line in output.splitlines())
    return [line for line in lines if line and not line.startswith(("go: ", "#"))]


def described(output: str, packages: int | None) -> str:
    """Say in words how far go has come."""
    if packages is None:
        fetched = sum(line.startswith("go: downloading") for line in output.splitlines())
        return f"reading packages, {fetched} modules fetched"
    compiled = len(package_lines(output))
    return f"{compiled} of {packages} packages compiled (the rest is cached or to come)"


def _run(
    scratch: Path,
    arguments: list[str],
    environment: dict[str, str],
    report: Reporter,
    packages: int | None,
) -> str:
    name = f"go-{arguments[0]}"
    go = shutil.which("go") or "go"
    log = scratch / f"{name}.log"
    child = Child(Launch(name, [go, *arguments], scratch, log, environment), scratch)

    def ended() -> bool:
        output = log.read_text(encoding="utf-8", errors="replace")
        report.update(described(output, packages), len(package_lines(output)), packages)
        return child.exit_code is not None

    try:
        in_time = holds_within(ended, BUILD_SECONDS)
    finally:
        stop_processes([(child.id, signal.SIGTERM)])
        child.reap()
    if not in_time or child.exit_code != 0:
        reason = f"exit code {child.exit_code}" if in_time else f"{BUILD_SECONDS:g} s are over"
        raise LocalError(f"go {arguments[0]} failed ({reason}):\n{child.new_log()}")
    return log.read_text(encoding="utf-8", errors="replace")
