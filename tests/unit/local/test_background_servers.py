"""What was once started beside control plane and database belongs to the environment."""

from pathlib import Path

import pytest

from workflow_audit.local import background
from workflow_audit.local.folders import STATE_VARIABLE
from workflow_audit.local.state import StateFile


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StateFile:
    monkeypatch.setenv(STATE_VARIABLE, str(tmp_path))
    return StateFile(tmp_path)


def test_a_new_environment_has_nothing_more(state: StateFile) -> None:
    assert not background.has_more()
    state.set_port("etcd", 20001)
    assert not background.has_more()
    assert [item.component for item in background.status()] == list(background.ALWAYS)


def test_what_a_hook_has_started_is_remembered_and_shown(state: StateFile) -> None:
    state.set_port("operator", 20002)
    assert background.has_more()
    shown = background.status()[-1]
    assert (shown.component, shown.running) == ("operator", False)
