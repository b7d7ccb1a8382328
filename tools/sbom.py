"""Write the SBOM of what the image runs: dist/workflow-audit.cdx.json, in CycloneDX's form.

The locked runtime dependencies are installed into an environment of their own, and what is there is
described: names, versions, licences, and who needs whom. Nothing in it is random or tells the time,
unless SOURCE_DATE_EPOCH gives one, so that the same lock gives the same bytes.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from workflow_audit import __version__

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "locks" / "runtime.txt"
SBOM_FILE = ROOT / "dist" / "workflow-audit.cdx.json"
SPEC_VERSION = "1.6"
"""Newest version of CycloneDX that GitHub's attestations and cosign's readers all know."""

DYNAMIC_VERSION = 'dynamic = ["version"]'


def main() -> int:
    """Write the SBOM, valid by CycloneDX's schema."""
    parser = argparse.ArgumentParser(description="Write the SBOM of the runtime dependencies.")
    parser.add_argument("--output", type=Path, default=SBOM_FILE)
    output = parser.parse_args().output
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="workflow-audit-sbom-") as scratch:
        python = runtime_environment(Path(scratch), LOCK)
        describe(python, output)
    print(output)
    return 0


def runtime_environment(scratch: Path, lock: Path) -> Path:
    """Install what a lock names, and nothing else; gives the environment's Python."""
    folder = scratch / "environment"
    python = folder / "bin" / "python"
    _uv("venv", "--python", sys.executable, str(folder))
    exactly = ("--no-deps", "--require-hashes", "--requirement", str(lock))
    _uv("pip", "install", "--python", str(python), *exactly)
    return python


def describe(python: Path, output: Path, *options: str) -> None:
    """Write the SBOM of an environment, with us as what needs the rest.

    Args:
        python: of the environment.
        output: the file.
        options: more of them for cyclonedx-py.
    """
    with tempfile.TemporaryDirectory(prefix="workflow-audit-sbom-") as scratch:
        about = Path(scratch) / "pyproject.toml"
        about.write_text(with_version((ROOT / "pyproject.toml").read_text("utf-8")), "utf-8")
        command = [sys.executable, "-m", "cyclonedx_py", "environment", "--output-reproducible"]
        command += ["--spec-version", SPEC_VERSION, "--pyproject", str(about)]
        command += ["--output-file", str(output), *options, str(python)]
        subprocess.run(command, check=True)


def with_version(pyproject: str) -> str:
    """Give pyproject.toml with the version, which cyclonedx-py does not look up elsewhere."""
    if DYNAMIC_VERSION not in pyproject:
        raise SystemExit(f"pyproject.toml: no line {DYNAMIC_VERSION}; mend tools/sbom.py")
    return pyproject.replace(DYNAMIC_VERSION, f'version = "{__version__}"')


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
