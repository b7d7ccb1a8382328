"""What a release asks of the repository: one version everywhere, and notes about it.

`check TAG` refuses a tag that the package, the chart or the changes do not agree with; `notes TAG`
prints the section of CHANGELOG.md. .github/workflows/release.yaml runs both.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow_audit import __version__

ROOT = Path(__file__).resolve().parents[1]
CHART_FILE = ROOT / "charts" / "workflow-audit" / "Chart.yaml"
CHANGELOG_FILE = ROOT / "CHANGELOG.md"

TAG = re.compile(r"v(\d+\.\d+\.\d+)")


def main() -> int:
    """Check or print; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description="Check a release, or print its notes.")
    parser.add_argument("what", choices=("check", "notes"))
    parser.add_argument("tag", help="e.g. v0.2.0")
    options = parser.parse_args()
    changelog = CHANGELOG_FILE.read_text("utf-8")
    if options.what == "notes":
        notes = release_notes(changelog, options.tag.removeprefix("v"))
        print(notes)
        return 0 if notes else 1
    chart = yaml.safe_load(CHART_FILE.read_text("utf-8"))
    problems = disagreements(options.tag, __version__, chart, changelog)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def disagreements(tag: str, package: str, chart: dict[str, Any], changelog: str) -> list[str]:
    """Say what does not agree with a tag, each with where to mend it.

    Args:
        tag: as in Git.
        package: version of the Python package.
        chart: what Chart.yaml holds.
        changelog: text of CHANGELOG.md.
    """
    found = TAG.fullmatch(tag)
    if found is None:
        return [f"tag: {tag!r} is no version; name it v1.2.3"]
    version = found[1]
    places = {
        "operator/workflow_audit/__init__.py: __version__": package,
        "charts/workflow-audit/Chart.yaml: version": chart.get("version"),
        "charts/workflow-audit/Chart.yaml: appVersion": chart.get("appVersion"),
    }
    problems = [
        f"{place}: {value!r} is not the tag's version; write {version!r}, or give another tag"
        for place, value in places.items()
        if value != version
    ]
    if not release_notes(changelog, version):
        problems.append(
            f"CHANGELOG.md: says nothing under [{version}]; "
            "rename [Unreleased], and begin a new one above it"
        )
    return problems


def release_notes(changelog: str, version: str) -> str:
    """Give what the changelog says of a version, without its heading; maybe nothing."""
    section = re.search(
        rf"^## \[{re.escape(version)}\][^\n]*\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    return section[1].strip() if section else ""


if __name__ == "__main__":
    sys.exit(main())
