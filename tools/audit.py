"""Ask which locked runtime dependencies have known vulnerabilities; needs the network.

pip-audit calls it a success when a package could not be looked up. Here the exit code tells the
three answers apart: 0 none is known, 1 some are, 3 not everything could be asked about.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "locks" / "runtime.txt"

SOUND, VULNERABLE, UNKNOWN = 0, 1, 3
"""Exit codes; 2 is a wrong command line."""

SERVICE_SECONDS = 15


@dataclass(frozen=True)
class Findings:
    """What the service said of the packages."""

    vulnerable: tuple[str, ...]
    not_asked: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """What is known to be vulnerable counts, also when the rest could not be asked about."""
        if self.vulnerable:
            return VULNERABLE
        return UNKNOWN if self.not_asked else SOUND


def main() -> int:
    """Audit a lock."""
    parser = argparse.ArgumentParser(description="Ask for known vulnerabilities.")
    parser.add_argument("lock", type=Path, nargs="?", default=LOCK)
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    options = parser.parse_args()
    report = asked(options.lock, options.service)
    if report is None:
        print(
            f"the vulnerability service {options.service} cannot be reached or gave no answer, so "
            "nothing is known: try again with a network, or with the other --service",
            file=sys.stderr,
        )
        return UNKNOWN
    found = findings(report["dependencies"])
    for line in (*found.vulnerable, *found.not_asked):
        print(line, file=sys.stderr)
    if found.exit_code == SOUND:
        print(f"{len(report['dependencies'])} packages, no known vulnerability")
    return found.exit_code


def asked(lock: Path, service: str) -> dict[str, Any] | None:
    """Give pip-audit's report, or nothing when it could not make one; its reason is printed."""
    with tempfile.TemporaryDirectory(prefix="workflow-audit-audit-") as scratch:
        answer = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
        command += ["--disable-pip", "--require-hashes", "--vulnerability-service", service]
        command += ["--format=json", "--output", str(answer), "--progress-spinner=off"]
        done = subprocess.run(
            [*command, f"--timeout={SERVICE_SECONDS}"], capture_output=True, text=True, check=False
        )
        if not answer.exists() or not answer.stat().st_size:
            print("\n".join(done.stderr.strip().splitlines()[-1:]), file=sys.stderr)
            return None
        report: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        return report


def findings(dependencies: Iterable[Mapping[str, Any]]) -> Findings:
    """Sort what pip-audit reports of each package."""
    vulnerable, not_asked = [], []
    for one in dependencies:
        if reason := one.get("skip_reason"):
            not_asked.append(f"{one['name']}: not audited ({reason})")
        for known in one.get("vulns", []):
            fixed = ", ".join(known["fix_versions"]) or "no version yet"
            which = " ".join([known["id"], *known.get("aliases", [])])
            vulnerable.append(f"{one['name']} {one['version']}: {which}; fixed in {fixed}")
    return Findings(tuple(vulnerable), tuple(not_asked))


if __name__ == "__main__":
    sys.exit(main())
