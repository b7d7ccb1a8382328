"""Logs are JSON for machines, one line for people, and never hold whole objects."""

import json
import logging
from collections.abc import Iterator

import kopf
import pytest

from workflow_audit.cli.logs import set_up_logs
from workflow_audit.settings.process import LogSettings

PRODUCT = "workflow_audit.services.recording"
LOGGERS = ("", "workflow_audit", "kopf", "kopf.objects", "asyncio")

FIELDS = {
    "correlation_id": "rr-2026-001",
    "event_id": "590b17c1-ce6f-5cbf-a6dc-62b512248834",
    "namespace": "payments",
    "search": "rr-2026-001-x7k2p",
    "outcome": "success",
    "replayed": False,
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def set_up(**settings: str) -> None:
    set_up_logs(LogSettings(**settings))  # type: ignore[arg-type]


def test_json_lines_can_be_parsed_and_have_the_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up(format="json")
    logging.getLogger(PRODUCT).info("recorded", extra=FIELDS)
    logging.getLogger(PRODUCT).warning('odd "quotes"\nand %s', "lines \x00 ü 漢")
    out, err = capsys.readouterr()
    assert out == ""
    first, second = (json.loads(line) for line in err.splitlines())
    assert first.pop("time")
    assert first == {"level": "INFO", "logger": PRODUCT, "message": "recorded", **FIELDS}
    assert (second["level"], second["message"]) == (
        "WARNING",
        'odd "quotes"\nand lines \x00 ü 漢',
    )


def test_an_exception_stays_in_one_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up(format="json")
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger(PRODUCT).exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "Traceback" in json.loads(line)["exc_info"]


def test_the_console_shows_fields_behind_the_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    set_up(format="console")
    logging.getLogger(PRODUCT).info("recorded", extra=FIELDS)
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert "INFO" in line
    assert "recorded correlation_id=rr-2026-001 event_id=590b17c1" in line
    assert "replayed=False" in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_what_kopf_attaches_is_not_shown(
    form: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    set_up(format=form)
    extra = {"k8s_skip": True, "settings": kopf.OperatorSettings()}
    logging.getLogger("kopf.objects").warning("try again", extra=extra)
    err = capsys.readouterr().err
    assert "try again" in err
    assert "k8s_skip" not in err
    assert "OperatorSettings" not in err


@pytest.mark.parametrize(
    ("level", "logger", "least"),
    [
        pytest.param("DEBUG", PRODUCT, "DEBUG", id="debug-of-ours-is-shown"),
        pytest.param("DEBUG", "kopf.objects", "WARNING", id="but-not-of-kopf"),
        pytest.param("DEBUG", "kopf._core.reactor", "WARNING", id="nor-of-its-inside"),
        pytest.param("DEBUG", "asyncio", "INFO", id="nor-of-other-frameworks"),
        pytest.param("DEBUG", "aiohttp.client", "INFO", id="nor-of-the-http-client"),
        pytest.param("INFO", PRODUCT, "INFO", id="info"),
        pytest.param("WARNING", PRODUCT, "WARNING", id="warning"),
        pytest.param("ERROR", PRODUCT, "ERROR", id="error"),
        pytest.param("ERROR", "kopf.objects", "ERROR", id="error-holds-for-kopf-too"),
        pytest.param("ERROR", "asyncio", "ERROR", id="and-for-others"),
    ],
)
def test_levels(level: str, logger: str, least: str) -> None:
    set_up(level=level)
    assert logging.getLevelName(logging.getLogger(logger).getEffectiveLevel()) == least


def test_setting_up_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up()
    set_up()
    logging.getLogger(PRODUCT).info("once")
    assert capsys.readouterr().err.count("once") == 1


@pytest.mark.parametrize(
    ("generator", "shown"),
    [
        pytest.param("infinite_watch", False, id="kopfs-watch-that-was-stopped"),
        pytest.param("another", True, id="anything-else"),
    ],
)
def test_the_end_of_kopfs_watch_is_no_error(
    generator: str, shown: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs(LogSettings(format="json"))
    message = (
        "an error occurred during closing of asynchronous generator <async_generator object %s>"
    )
    logging.getLogger("asyncio").error(message, generator)
    assert (generator in capsys.readouterr().err) is shown
