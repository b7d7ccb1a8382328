"""What a release asks of the repository: one version everywhere, notes, a chart with its image.

`check TAG` refuses a tag that the package, the chart or the changes do not agree with; `notes TAG`
prints the section of CHANGELOG.md; `image REPOSITORY@DIGEST` makes the chart run that very image.
.github/workflows/release.yaml runs all three.
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
VALUES_FILE = ROOT / "charts" / "workflow-audit" / "values.yaml"
CHANGELOG_FILE = ROOT / "CHANGELOG.md"

TAG = re.compile(r"v(\d+\.\d+\.\d+)")


def main() -> int:
    """Do one of the three; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description="Check a release, print its notes, set its image.")
    commands = parser.add_subparsers(required=True)
    for name, function, value in (
        ("check", check, "tag"),
        ("notes", notes, "tag"),
        ("image", set_image, "image"),
    ):
        command = commands.add_parser(name)
        command.add_argument("value", metavar=value)
        command.set_defaults(function=function)
    options = parser.parse_args()
    return int(options.function(options.value))


def check(tag: str) -> int:
    """Name on standard error what does not agree with a tag."""
    chart = yaml.safe_load(CHART_FILE.read_text("utf-8"))
    problems = disagreements(tag, __version__, chart, CHANGELOG_FILE.read_text("utf-8"))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def notes(tag: str) -> int:
    """Print what the changelog says of a tag."""
    found = release_notes(CHANGELOG_FILE.read_text("utf-8"), tag.removeprefix("v"))
    print(found)
    return 0 if found else 1


def set_image(image: str) -> int:
    """Write the image of a release into the chart's values."""
    VALUES_FILE.write_text(with_image(VALUES_FILE.read_text("utf-8"), image), "utf-8")
    return 0


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


def with_image(values: str, image: str) -> str:
    """Give the chart's values with the image's repository and digest.

    As text, so that the comments stay, which are what users of the chart read.

    Raises:
        SystemExit: the image has no digest, or the values do not look as expected.
    """
    repository, _, digest = image.partition("@")
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise SystemExit(f"image: {image!r} has no digest; give REPOSITORY@sha256:...")
    for line, replacement in (
        ("  repository: workflow-audit\n", f"  repository: {repository}\n"),
        ('  digest: ""\n', f"  digest: {digest}\n"),
    ):
        if values.count(line) != 1:
            raise SystemExit(f"values.yaml: no single line {line.strip()!r}; mend tools/release.py")
        values = values.replace(line, replacement)
    return values


if __name__ == "__main__":
    sys.exit(main())
