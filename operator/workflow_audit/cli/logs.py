"""How logs look: JSON lines for machines, one readable line for people; both to stderr."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter
from rich.console import Console
from rich.logging import RichHandler

from workflow_audit.settings.process import LogSettings

PRODUCT = "workflow_audit"


def set_up_logs(settings: LogSettings) -> None:
    """Send all logs to stderr in the wanted form.

    Frameworks log at INFO at the least: kopf's debug lines repeat whole objects, and a text in
    them may hold what must not be logged.
    """
    root = logging.getLogger()
    root.handlers[:] = [_json_handler() if settings.format == "json" else _console_handler()]
    level = logging.getLevelName(settings.level)
    root.setLevel(max(level, logging.INFO))
    logging.getLogger(PRODUCT).setLevel(level)
    # kopf has a line for each event of each object; ours says what was recorded.
    logging.getLogger("kopf").setLevel(max(level, logging.WARNING))
    logging.getLogger("asyncio").addFilter(is_no_end_of_kopfs_watch)


def is_no_end_of_kopfs_watch(record: logging.LogRecord) -> bool:
    """Drop what asyncio says when kopf 1.45 is stopped between two events of its watch.

    "generator didn't stop after athrow()" is all that goes wrong then: nothing is left undone.
    """
    message = record.getMessage()
    return not ("closing of asynchronous generator" in message and "infinite_watch" in message)


def _json_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter(
            "{levelname}{name}{message}",
            style="{",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            reserved_attrs=[*_RESERVED, "k8s_skip", "settings"],
        )
    )
    return handler


_RESERVED = [*logging.makeLogRecord({}).__dict__, "message", "asctime"]


class _FieldsFormatter(logging.Formatter):
    """Puts the fields of a line behind its message, as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        hidden = {*_RESERVED, "k8s_skip", "k8s_ref", "settings"}
        fields = (f"{k}={v}" for k, v in record.__dict__.items() if k not in hidden)
        return " ".join([line, *fields])


def _console_handler() -> logging.Handler:
    handler = RichHandler(
        console=Console(stderr=True), show_path=False, omit_repeated_times=False, highlighter=None
    )
    handler.setFormatter(_FieldsFormatter("%(message)s"))
    return handler
