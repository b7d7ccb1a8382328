"""Build the image and run tests/kind on it; what `make e2e-kind` does.

Needs a container engine. Where none answers, it says so and is content: everything else is tested
without containers, too.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "workflow-audit:e2e"
IMAGE_VARIABLE = "WORKFLOW_AUDIT_IMAGE"
"""Read by tests/kind; without it, these tests are not collected."""

ENGINES = ("docker", "podman", "nerdctl")
"""Those that kind can use."""

ANSWER_SECONDS = 30


def main() -> int:
    """Build and test; gives pytest's exit code, or 0 where there is no engine."""
    engine = answering_engine(ENGINES)
    if engine is None:
        names = ", ".join(ENGINES)
        print(f"skipped: no container engine answers here ({names}), and kind needs one")
        return 0
    subprocess.run([engine, "build", "--tag", IMAGE, "."], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "pytest", "-q", "tests/kind", *sys.argv[1:]]
    environment = {
        **os.environ,
        IMAGE_VARIABLE: IMAGE,
        "KIND_EXPERIMENTAL_PROVIDER": Path(engine).name,
    }
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def answering_engine(names: Sequence[str]) -> str | None:
    """Give the first engine whose daemon answers, not only its command."""
    for name in names:
        program = shutil.which(name)
        if program and _answers(program):
            return program
    return None


def _answers(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "info"], capture_output=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
