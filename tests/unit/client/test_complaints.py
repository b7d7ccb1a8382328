"""The log of an agent is not filled, and tells no searches."""

import logging

import pytest

from workflow_audit.client.complaints import LOGGER, Complaints


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_kind_is_said_once_a_minute_with_the_number_of_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    complaints = Complaints(LOGGER, clock)
    for _ in range(5):
        complaints.say("full", "the spool is full")
    complaints.say("again", "no answer", level=logging.WARNING)
    clock.now = 59.9
    complaints.say("full", "the spool is full")
    clock.now = 60.0
    complaints.say("full", "the spool is full")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "the spool is full"),
        ("WARNING", "no answer"),
        ("ERROR", "the spool is full (5 more like this since the last message)"),
    ]
