"""Settings come from the environment, and a wrong one is refused by name, value and remedy."""

import dataclasses
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from pydantic import SecretStr

from workflow_audit.errors import InvalidFieldError
from workflow_audit.settings.loading import Settings, bounds, load_settings, variable_name

PASSWORD = "correct-horse-demo"  # noqa: S105 - made up
URL = f"postgresql://writer:{PASSWORD}@db/audit"

DEFAULTS: dict[str, Any] = {
    "AUDIT_DATABASE_URL": SecretStr(""),
    "AUDIT_DATABASE_URL_FILE": None,
    "AUDIT_DATABASE_URL_PASSWORD_FILE": None,
    "AUDIT_WRITER_BATCH_ROWS": 200,
    "AUDIT_WRITER_LINGER_MS": 5,
    "AUDIT_WRITER_QUEUE_ROWS": 2000,
    "AUDIT_OPERATOR_ENABLED": True,
    "AUDIT_OPERATOR_PATIENCE_SECONDS": 10,
    "AUDIT_OPERATOR_RETRY_SECONDS": 15,
    "AUDIT_OPERATOR_CONNECTIONS": 32,
    "AUDIT_OPERATOR_SEARCHES_IN_FLIGHT": 500,
    "AUDIT_OPERATOR_CATALOGUE_REQUESTS": 32,
    "AUDIT_OPERATOR_NAMESPACE": "workflow-audit",
    "AUDIT_OPERATOR_MANAGE_CERTIFICATES": False,
    "AUDIT_OPERATOR_CERTIFICATE_DAYS": 365,
    "AUDIT_OPERATOR_SEARCH_REMOVALS_PER_SECOND": 20,
    "AUDIT_OPERATOR_EXIT_TIMEOUT_SECONDS": 10,
    "AUDIT_RETENTION_DATABASE_URL": SecretStr(""),
    "AUDIT_RETENTION_DATABASE_URL_FILE": None,
    "AUDIT_RETENTION_DATABASE_URL_PASSWORD_FILE": None,
    "AUDIT_RETENTION_SCHEDULE": "17 3 * * *",
    "AUDIT_RETENTION_BATCH_ROWS": 5000,
    "AUDIT_RETENTION_PAUSE_MS": 50,
    "AUDIT_VERIFY_SCHEDULE": "41 */6 * * *",
    "AUDIT_VERIFY_PAUSE_MS": 100,
    "AUDIT_APISERVER_DATABASE_URL": SecretStr(""),
    "AUDIT_APISERVER_DATABASE_URL_FILE": None,
    "AUDIT_APISERVER_DATABASE_URL_PASSWORD_FILE": None,
    "AUDIT_APISERVER_DATABASE_CONNECTIONS": 8,
    "AUDIT_APISERVER_ANSWER_SECONDS": 10,
    "AUDIT_APISERVER_REQUESTS_PER_SECOND": 50,
    "AUDIT_APISERVER_REQUESTS_BURST": 200,
    "AUDIT_APISERVER_REQUESTS_AT_ONCE": 4,
    "AUDIT_APISERVER_HOST": "0.0.0.0",  # noqa: S104
    "AUDIT_APISERVER_PORT": 8443,
    "AUDIT_APISERVER_TLS_CERTIFICATE": Path("/etc/workflow-audit/tls/tls.crt"),
    "AUDIT_APISERVER_TLS_KEY": Path("/etc/workflow-audit/tls/tls.key"),
    "AUDIT_INGESTION_DATABASE_URL": SecretStr(""),
    "AUDIT_INGESTION_DATABASE_URL_FILE": None,
    "AUDIT_INGESTION_DATABASE_URL_PASSWORD_FILE": None,
    "AUDIT_INGESTION_QUEUE_ROWS": 5000,
    "AUDIT_INGESTION_BATCH_ROWS": 500,
    "AUDIT_INGESTION_ANSWER_SECONDS": 4,
    "AUDIT_INGESTION_EVENT_BYTES": 2**20,
    "AUDIT_INGESTION_BATCH_BYTES": 2**23,
    "AUDIT_INGESTION_BYTES_UNDER_WAY": 2**25,
    "AUDIT_INGESTION_BODY_SECONDS": 10,
    "AUDIT_INGESTION_REQUESTS_AT_ONCE": 32,
    "AUDIT_HTTP_HOST": "0.0.0.0",  # noqa: S104
    "AUDIT_HTTP_PORT": 8080,
    "AUDIT_LOG_FORMAT": "json",
    "AUDIT_LOG_LEVEL": "INFO",
}

GIVEN: dict[str, tuple[str, Any]] = {
    "AUDIT_DATABASE_URL": (URL, SecretStr(URL)),
    "AUDIT_DATABASE_URL_FILE": ("/run/url", Path("/run/url")),
    "AUDIT_DATABASE_URL_PASSWORD_FILE": ("/run/password", Path("/run/password")),
    "AUDIT_WRITER_BATCH_ROWS": ("1", 1),
    "AUDIT_WRITER_LINGER_MS": ("0", 0),
    "AUDIT_WRITER_QUEUE_ROWS": ("100000", 100_000),
    "AUDIT_OPERATOR_ENABLED": ("false", False),
    "AUDIT_OPERATOR_PATIENCE_SECONDS": ("0.1", 0.1),
    "AUDIT_OPERATOR_RETRY_SECONDS": ("600", 600),
    "AUDIT_OPERATOR_CONNECTIONS": ("2", 2),
    "AUDIT_OPERATOR_SEARCHES_IN_FLIGHT": ("10", 10),
    "AUDIT_OPERATOR_CATALOGUE_REQUESTS": ("1", 1),
    "AUDIT_OPERATOR_NAMESPACE": ("audit", "audit"),
    "AUDIT_OPERATOR_MANAGE_CERTIFICATES": ("true", True),
    "AUDIT_OPERATOR_CERTIFICATE_DAYS": ("90", 90),
    "AUDIT_OPERATOR_SEARCH_REMOVALS_PER_SECOND": ("1", 1),
    "AUDIT_OPERATOR_EXIT_TIMEOUT_SECONDS": ("0", 0),
    "AUDIT_RETENTION_DATABASE_URL": (URL, SecretStr(URL)),
    "AUDIT_RETENTION_DATABASE_URL_FILE": ("/run/url", Path("/run/url")),
    "AUDIT_RETENTION_DATABASE_URL_PASSWORD_FILE": ("/run/other", Path("/run/other")),
    "AUDIT_RETENTION_SCHEDULE": ("0 2 * * SUN", "0 2 * * SUN"),
    "AUDIT_RETENTION_BATCH_ROWS": ("100", 100),
    "AUDIT_RETENTION_PAUSE_MS": ("0", 0),
    "AUDIT_VERIFY_SCHEDULE": ("", ""),
    "AUDIT_VERIFY_PAUSE_MS": ("0", 0),
    "AUDIT_APISERVER_DATABASE_URL": (URL, SecretStr(URL)),
    "AUDIT_APISERVER_DATABASE_URL_FILE": ("/run/url", Path("/run/url")),
    "AUDIT_APISERVER_DATABASE_URL_PASSWORD_FILE": ("/run/third", Path("/run/third")),
    "AUDIT_APISERVER_DATABASE_CONNECTIONS": ("100", 100),
    "AUDIT_APISERVER_ANSWER_SECONDS": ("0.5", 0.5),
    "AUDIT_APISERVER_REQUESTS_PER_SECOND": ("0", 0),
    "AUDIT_APISERVER_REQUESTS_BURST": ("1", 1),
    "AUDIT_APISERVER_REQUESTS_AT_ONCE": ("0", 0),
    "AUDIT_APISERVER_HOST": ("::1", "::1"),
    "AUDIT_APISERVER_PORT": ("0", 0),
    "AUDIT_APISERVER_TLS_CERTIFICATE": ("/run/tls.crt", Path("/run/tls.crt")),
    "AUDIT_APISERVER_TLS_KEY": ("/run/tls.key", Path("/run/tls.key")),
    "AUDIT_INGESTION_DATABASE_URL": (URL, SecretStr(URL)),
    "AUDIT_INGESTION_DATABASE_URL_FILE": ("/run/url", Path("/run/url")),
    "AUDIT_INGESTION_DATABASE_URL_PASSWORD_FILE": ("/run/fourth", Path("/run/fourth")),
    "AUDIT_INGESTION_QUEUE_ROWS": ("1000", 1000),
    "AUDIT_INGESTION_BATCH_ROWS": ("1", 1),
    "AUDIT_INGESTION_ANSWER_SECONDS": ("0.5", 0.5),
    "AUDIT_INGESTION_EVENT_BYTES": ("65536", 65536),
    "AUDIT_INGESTION_BATCH_BYTES": ("65536", 65536),
    "AUDIT_INGESTION_BYTES_UNDER_WAY": ("65536", 65536),
    "AUDIT_INGESTION_BODY_SECONDS": ("0.1", 0.1),
    "AUDIT_INGESTION_REQUESTS_AT_ONCE": ("0", 0),
    "AUDIT_HTTP_HOST": ("::1", "::1"),
    "AUDIT_HTTP_PORT": ("0", 0),
    "AUDIT_LOG_FORMAT": ("console", "console"),
    "AUDIT_LOG_LEVEL": ("DEBUG", "DEBUG"),
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(name, raising=False)


def in_force(settings: Settings) -> dict[str, Any]:
    return {
        variable_name(type(group), name): getattr(group, name)
        for group in (getattr(settings, field.name) for field in dataclasses.fields(settings))
        for name in type(group).model_fields
    }


def test_names_and_defaults() -> None:
    assert in_force(load_settings()) == DEFAULTS


@pytest.mark.parametrize("variable", GIVEN)
def test_the_environment_wins_over_the_default(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, value = GIVEN[variable]
    monkeypatch.setenv(variable, text)
    assert in_force(load_settings()) == DEFAULTS | {variable: value}


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_LOG_LEVEL", "ERROR")
    monkeypatch.setenv("AUDIT_LOG_FORMAT", "console")
    settings = load_settings({"log": {"level": "WARNING"}})
    assert (settings.log.level, settings.log.format) == ("WARNING", "console")


def test_unknown_variables_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_WRITER_COLOUR", "red")
    assert in_force(load_settings()) == DEFAULTS


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        pytest.param(
            "AUDIT_WRITER_BATCH_ROWS",
            "0",
            "'0' is refused: input should be greater than or equal to 1; "
            "give 1 to 1000, or leave it out for 200",
            id="too-small",
        ),
        pytest.param(
            "AUDIT_WRITER_BATCH_ROWS",
            "1001",
            "'1001' is refused: input should be less than or equal to 1000; "
            "give 1 to 1000, or leave it out for 200",
            id="too-large",
        ),
        pytest.param(
            "AUDIT_HTTP_PORT",
            "http",
            "'http' is refused: input should be a valid integer, unable to parse string as an "
            "integer; give 0 to 65535, or leave it out for 8080",
            id="no-number",
        ),
        pytest.param(
            "AUDIT_HTTP_PORT",
            "",
            "'' is refused: input should be a valid integer, unable to parse string as an "
            "integer; give 0 to 65535, or leave it out for 8080",
            id="empty",
        ),
        pytest.param(
            "AUDIT_LOG_FORMAT",
            "yaml",
            "'yaml' is refused: input should be 'json' or 'console'; "
            "give another value, or leave it out for json",
            id="no-such-form",
        ),
        pytest.param(
            "AUDIT_LOG_LEVEL",
            "debug",
            "'debug' is refused: input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'; "
            "give another value, or leave it out for INFO",
            id="case-matters",
        ),
        pytest.param(
            "AUDIT_OPERATOR_ENABLED",
            "maybe",
            "'maybe' is refused: input should be a valid boolean, unable to interpret input; "
            "give another value, or leave it out for True",
            id="neither-true-nor-false",
        ),
        pytest.param(
            "AUDIT_RETENTION_SCHEDULE",
            "61 3 * * *",
            "'61 3 * * *' is refused: no cron expression: bad minute; "
            "give another value, or leave it out for 17 3 * * *",
            id="no-such-minute",
        ),
        pytest.param(
            "AUDIT_RETENTION_SCHEDULE",
            "daily",
            "'daily' is refused: no cron expression: wrong number of fields; "
            "give another value, or leave it out for 17 3 * * *",
            id="no-cron-expression",
        ),
        pytest.param(
            "AUDIT_RETENTION_SCHEDULE",
            "* * */20 * 1L",
            "'* * */20 * 1L' is refused: a cron expression that names no time at all; "
            "give another value, or leave it out for 17 3 * * *",
            id="no-such-time",
        ),
        pytest.param(
            "AUDIT_VERIFY_SCHEDULE",
            "hourly",
            "'hourly' is refused: no cron expression: wrong number of fields; "
            "give another value, or leave it out for 41 */6 * * *",
            id="another-schedule",
        ),
        pytest.param(
            "AUDIT_OPERATOR_PATIENCE_SECONDS",
            "nan",
            "'nan' is refused: input should be less than or equal to 600; "
            "give 0.1 to 600, or leave it out for 10",
            id="not-a-number",
        ),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(
    variable: str, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(InvalidFieldError) as caught:
        load_settings()
    assert str(caught.value) == f"{variable}: {message}"
    assert caught.value.path == variable
    assert caught.value.__cause__ is None


def test_a_wrong_flag_is_refused_under_the_name_of_its_variable() -> None:
    with pytest.raises(InvalidFieldError, match=r"^AUDIT_HTTP_PORT: 70000 is refused"):
        load_settings({"http": {"port": 70_000}})


def test_a_refused_secret_is_never_shown() -> None:
    with pytest.raises(InvalidFieldError) as caught:
        load_settings({"database": {"url": [PASSWORD]}})
    assert str(caught.value).startswith("AUDIT_DATABASE_URL: '(hidden)' is refused")
    assert PASSWORD not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_a_secret_is_not_in_texts_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_DATABASE_URL", URL)
    settings = load_settings()
    assert PASSWORD not in repr(settings) + str(settings)
    assert PASSWORD not in settings.database.model_dump_json()
    assert settings.database.url.get_secret_value() == URL


def groups() -> list[Any]:
    return list(get_type_hints(Settings).values())


def test_every_setting_has_a_description_and_its_unit_in_its_name() -> None:
    for group in groups():
        assert group.__doc__
        for name, field in group.model_fields.items():
            assert field.description, variable_name(group, name)
            if field.annotation is float:
                assert name.endswith(("_ms", "_seconds")), variable_name(group, name)


def test_every_number_has_bounds_and_a_default_within() -> None:
    for group in groups():
        for name, field in group.model_fields.items():
            if field.annotation in (int, float):
                least, greatest = bounds(field)
                assert least <= field.default <= greatest, variable_name(group, name)


def test_settings_do_not_change() -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.http.port = 1
