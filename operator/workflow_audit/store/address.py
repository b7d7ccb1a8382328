"""Where the database is: libpq's own connection string, and files of it that may rotate.

The string is checked at start, because libpq's complaints come late, once for each attempt, and
may repeat the string with its password. No message of this module shows any part of it.
"""

import dataclasses
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from workflow_audit.errors import InvalidFieldError

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
SESSION_KINDS = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")

FIXED_DEFAULTS = {
    "connect_timeout": "5",
    # A peer that vanished without a word is noticed within half a minute, not after two hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Connection parameters (seconds; the last one milliseconds) unless the URL gives its own."""


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseAddress:
    """A checked address; raises InvalidFieldError when it cannot be one."""

    url: str = dataclasses.field(default="", repr=False)
    """postgresql://user@host:port/database?... or `key=value ...`; empty: libpq's variables."""

    url_file: Path | None = None
    """Read at every connect, as a Secret that is mounted; wins over `url`."""

    password_file: Path | None = None
    """Read at every connect, so that a rotated password needs no restart; wins over the URL's."""

    variable: str = "AUDIT_DATABASE_URL"
    """The setting that messages name."""

    def __post_init__(self) -> None:
        if self.url_file is not None:
            self._refuse_unreadable("FILE", self.url_file, "connection string")
        if self.password_file is not None:
            self._refuse_unreadable("PASSWORD_FILE", self.password_file, "password")
        given = self._given()
        for port in given.get("port", "").split(","):
            if port and not (port.isdecimal() and 0 < int(port) < 65536):  # noqa: PLR2004
                raise self._refused("has a port that is no number from 1 to 65535", "correct it")
        for name, choices in (("sslmode", SSL_MODES), ("target_session_attrs", SESSION_KINDS)):
            if given.get(name, choices[0]) not in choices:
                raise self._refused(f"has an unknown {name}", f"use one of {', '.join(choices)}")
        if not given.get("connect_timeout", "5").isdecimal():
            raise self._refused("has a connect_timeout that is no number", "give whole seconds")

    def conninfo(self, **defaults: str) -> str:
        """Give libpq's string with what the files say at this moment; never to be logged.

        Args:
            **defaults: parameters for what neither the URL nor FIXED_DEFAULTS say.

        Raises:
            OSError: a file cannot be read now.
            InvalidFieldError: what the file of the URL says by now is no connection string.
        """
        parameters = {**FIXED_DEFAULTS, **defaults, **self._given()}
        if self.password_file is not None:
            parameters["password"] = _text(self.password_file)
        return make_conninfo("", **parameters)

    def _given(self) -> dict[str, str]:
        try:
            parameters = conninfo_to_dict(_text(self.url_file) if self.url_file else self.url)
        except psycopg.Error:
            raise self._refused(
                "is no connection string of libpq",
                "write postgresql://user@host:5432/database?sslmode=verify-full",
            ) from None
        return {name: str(value) for name, value in parameters.items() if value is not None}

    def _refuse_unreadable(self, suffix: str, file: Path, what: str) -> None:
        try:
            _text(file)
        except (OSError, ValueError) as error:
            raise InvalidFieldError(
                f"{self.variable}_{suffix}",
                str(file),
                f"cannot be read ({_reason(error)})",
                f"name a readable text file that holds the {what} alone",
            ) from error

    def _refused(self, rule: str, remedy: str) -> InvalidFieldError:
        return InvalidFieldError(self.variable, SecretStr(self.url), rule, remedy)


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\r\n")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
