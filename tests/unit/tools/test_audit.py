from typing import Any

import pytest

from audit import SOUND, UNKNOWN, VULNERABLE, findings

SAFE = {"name": "safe", "version": "1.0", "vulns": []}
HOLED = {
    "name": "holed",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1", "2.0"]}],
}
UNFIXED = {"name": "open", "version": "1.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED = {"name": "lost", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("reported", "exit_code"),
    [
        pytest.param([SAFE], SOUND, id="sound"),
        pytest.param([SAFE, HOLED], VULNERABLE, id="vulnerable"),
        pytest.param([SAFE, SKIPPED], UNKNOWN, id="what-was-skipped-is-not-sound"),
        pytest.param([SKIPPED, HOLED], VULNERABLE, id="what-is-known-counts"),
    ],
)
def test_exit_codes(reported: list[dict[str, Any]], exit_code: int) -> None:
    assert findings(reported).exit_code == exit_code


def test_findings_say_what_to_do() -> None:
    found = findings([HOLED, UNFIXED, SKIPPED])
    assert found.vulnerable == (
        "holed 1.0: PYSEC-1 CVE-1; fixed in 1.1, 2.0",
        "open 1.0: PYSEC-2; fixed in no version yet",
    )
    assert found.not_asked == ("lost: not audited (Dependency not found on PyPI)",)
