import json
from pathlib import Path
from typing import Any

import pytest

from licences import ALLOWED, main, refusals


def component(name: str, *licences: str, expression: str | None = None) -> dict[str, Any]:
    chosen = [{"expression": expression}] if expression else []
    chosen += [{"license": {"id" if " " not in one else "name": one}} for one in licences]
    return {"name": name, "version": "1.0", "licenses": chosen}


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param(component("one", "MIT"), id="permissive"),
        pytest.param(component("one", expression="GPL-3.0-only OR MIT"), id="one-to-choose"),
        pytest.param(component("one", expression="MPL-2.0 AND (Apache-2.0 OR MIT)"), id="nested"),
        pytest.param(component("one", "License :: OSI Approved :: BSD License"), id="classifier"),
        pytest.param(component("psycopg", "LGPL-3.0-only"), id="exception"),
    ],
)
def test_licences_that_we_may_ship(allowed: dict[str, Any]) -> None:
    assert refusals([allowed]) == []


@pytest.mark.parametrize(
    ("refused", "licence"),
    [
        pytest.param(component("one", "GPL-3.0-only"), "GPL-3.0-only", id="copyleft"),
        pytest.param(component("one", "LGPL-3.0-only"), "LGPL-3.0-only", id="another's-exception"),
        pytest.param(component("one", "MIT", "AGPL-3.0-only"), "AGPL-3.0-only", id="one-of-two"),
        pytest.param(
            component("one", expression="MIT AND GPL-2.0-only"), "MIT AND GPL-2.0-only", id="both"
        ),
        pytest.param(
            component("one", expression="Apache-2.0 WITH Classpath-exception-2.0"),
            "Apache-2.0 WITH Classpath-exception-2.0",
            id="an-exception-makes-another-licence",
        ),
        pytest.param(component("one", "Do As You Like"), "Do As You Like", id="unknown"),
        pytest.param(component("one", "MIT-like"), "MIT-like", id="no-identifier"),
    ],
)
def test_a_refusal_names_package_licence_and_remedy(refused: dict[str, Any], licence: str) -> None:
    (line,) = refusals([component("fine", "MIT"), refused])
    assert line.startswith(f"one 1.0: {licence} is not allowed; take another package, or add ")


def test_a_package_without_a_licence_is_refused() -> None:
    (line,) = refusals([component("one")])
    assert line.startswith("one 1.0: declares no licence; ")


def test_nothing_that_asks_for_our_own_source_is_allowed_for_all() -> None:
    assert not [licence for licence in ALLOWED if "GPL" in licence]


def test_the_exit_code_says_whether_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sbom = tmp_path / "sbom.json"
    monkeypatch.setattr("sys.argv", ["licences.py", str(sbom)])
    for components, exit_code, said in (
        ([component("one", "MIT")], 0, "1 packages"),
        ([component("one", "GPL-3.0-only")], 1, "GPL-3.0-only is not allowed"),
        ([], 1, "the SBOM has none"),
    ):
        sbom.write_text(json.dumps({"components": components}))
        assert main() == exit_code
        assert said in "".join(capsys.readouterr())
