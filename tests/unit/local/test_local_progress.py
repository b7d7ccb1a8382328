import io

import pytest
from rich.console import Console

from workflow_audit.errors import LocalError
from workflow_audit.local import progress
from workflow_audit.local.waiting import holds_within, wait_until


def test_without_a_terminal_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 5.0, 20.0, 21.0, 36.0, 40.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    text = io.StringIO()
    with progress.reported("building", Console(file=text, width=40)) as report:
        for done in range(4):
            report.update(f"{done} of [4] packages")
        report.finish("done")
    assert text.getvalue().splitlines() == [
        "building ...",
        "building: 1 of [4] packages, 20 s",
        "building: 3 of [4] packages, 36 s",
        "building: done after 40 s",
    ]


def test_on_a_terminal_there_is_a_moving_line() -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=80)
    with progress.reported("building", console) as report:
        report.update("1 of 4 packages", 1, 4)
        report.finish("done")
    assert "building: done after 0 s" in text.getvalue()


def test_waiting_ends_as_soon_as_it_holds() -> None:
    answers = iter([False, False, True])
    assert holds_within(lambda: next(answers), within_seconds=10)


def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(LocalError, match=r"the sun shines: not so within 0\.05 s"):
        wait_until(lambda: False, 0.05, "the sun shines")
