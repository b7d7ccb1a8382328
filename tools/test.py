"""Run the tests with coverage; what `make test` does.

Coverage data go to a folder of this run's own, so that two runs at once do not mix. Arguments go
to pytest; with any, the coverage limit is not applied, because they usually choose some tests, and
the slowest ones are not named.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST_COVERAGE_PERCENT = 90
SLOWEST = 25
"""Tests named in the end with their times: where a run could become shorter."""


def main() -> int:
    """Run pytest and give its exit code."""
    chosen = sys.argv[1:]
    whole = [f"--cov-fail-under={LEAST_COVERAGE_PERCENT}", f"--durations={SLOWEST}"]
    with tempfile.TemporaryDirectory(prefix="workflow-audit-coverage-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--cov", "--cov-report=term", *(chosen or whole)],
            cwd=ROOT,
            env={**os.environ, "COVERAGE_FILE": str(Path(folder) / "coverage")},
            check=False,
        )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
