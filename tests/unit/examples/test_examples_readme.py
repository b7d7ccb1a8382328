"""The README of the examples knows all of them, and names none that is not there."""

import re
from pathlib import Path

EXAMPLES = Path(__file__).parents[3] / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_every_example_is_listed() -> None:
    listed = set(re.findall(r"\]\(([a-z.-]+)/?\)", README))
    there = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    assert listed == there


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?:examples|tests)/[a-z_/.-]+[a-z]", README))
    assert len(named) > 3
    assert [name for name in sorted(named) if not (EXAMPLES.parent / name).is_file()] == []


def test_the_lines_that_are_shown_are_the_code() -> None:
    code = (EXAMPLES / "holmesgpt/workflow_search.py").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line.strip() for line in shown.splitlines() if line.strip() not in {"", "..."}]
    assert lines[0] == "audit = AuditClient.from_env()"
    assert [line for line in lines[1:] if line not in code] == []
