"""Where promtool comes from; without it tests fail, and say what to do."""

from pathlib import Path

import pytest

from support.promtool import Promtool, promtool_program
from workflow_audit.errors import LocalError
from workflow_audit.local.folders import CACHE_VARIABLE


def test_one_on_the_path_is_used(
    promtool: Promtool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "promtool"
    own.symlink_to(promtool.program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert promtool_program(pytest.fail) == own


def test_where_it_cannot_be_had_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with pytest.raises(LocalError, match="apt-get install prometheus"):
        promtool_program(pytest.fail)
    assert [path.name for path in (tmp_path / "promtool").iterdir() if path.is_dir()] == []
