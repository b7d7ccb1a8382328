"""Run chosen tests on older Kubernetes versions; what `make test-versions` does.

What is chosen meets the API server where versions differ: definitions and their rules, admission
policies, one recording from the search to its row, policies with their children, reading through
the aggregated API, the chart. The first run builds each control plane, which takes about ten
minutes.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION_VARIABLE = "WORKFLOW_AUDIT_KUBERNETES"
"""Read by tests/support/kubernetes_versions.py, whose folders say which patch each minor is."""

MODULES = ROOT / "tests" / "support" / "kubernetes_versions"

TESTS = (
    "tests/integration/crds",
    "tests/integration/admission",
    "tests/integration/kube",
    "tests/e2e/test_deletion_during_an_outage.py",
    "tests/e2e/test_helm_release.py",
    "tests/e2e/test_policies_apply.py",
    "tests/e2e/test_policy_children.py",
    "tests/e2e/test_reading.py",
    "tests/e2e/test_two_operators.py",
    "tests/e2e/test_ways_in.py",
)


def main() -> int:
    """Run the tests on each version; gives 1 if they fail on one."""
    known = sorted(path.name for path in MODULES.iterdir() if path.is_dir())
    parser = argparse.ArgumentParser(description="Run chosen tests on older Kubernetes versions.")
    parser.add_argument("--kubernetes", choices=known, action="append", help="only this one")
    options, for_pytest = parser.parse_known_args()
    failed = [
        version for version in options.kubernetes or known if tested(version, for_pytest) != 0
    ]
    for version in failed:
        print(f"Kubernetes {version}: not all tests passed; see above", file=sys.stderr)
    return 1 if failed else 0


def tested(version: str, for_pytest: list[str]) -> int:
    """Run the tests on one version; gives pytest's exit code."""
    print(f"Kubernetes {version}", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", *TESTS, *for_pytest]
    environment = {**os.environ, VERSION_VARIABLE: version}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
