"""Settings of the library: what counts, and what is said of a value that cannot."""

import logging
import os
import tempfile
from pathlib import Path

import pytest

from workflow_audit.client.settings import VARIABLES, ClientSettings, settings_from_env

URL = "https://audit.example:8443"


def test_without_a_word_searches_become_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/lib/me")
    settings = settings_from_env({})
    assert settings == ClientSettings(spool_path=Path("/var/lib/me/workflow-audit"))
    assert (settings.enabled, settings.url, settings.timeout_seconds) == (True, None, 5)


def test_the_spool_is_in_the_state_folder_of_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    for not_absolute in ("", "state"):
        monkeypatch.setenv("XDG_STATE_HOME", not_absolute)
        assert settings_from_env({}).spool_path == Path("/home/me/.local/state/workflow-audit")


@pytest.mark.parametrize("name", ["data_storage_audit_url", "DATA_STORAGE_AUDIT_URL"])
def test_names_are_read_in_either_case(name: str) -> None:
    assert settings_from_env({name: URL}).url == URL


def test_every_setting_has_a_variable() -> None:
    given = {
        "AUDIT_ENABLED": "false",
        "DATA_STORAGE_AUDIT_URL": f"{URL}/api/v1/audit/events",
        "AUDIT_TIMEOUT_SECONDS": "2.5",
        "AUDIT_NAMESPACE": "payments",
        "AUDIT_SERVICE": "my-agent",
        "AUDIT_TOKEN_FILE": "/t",
        "AUDIT_CA_FILE": "/c",
        "AUDIT_KUBECONFIG": "/k",
        "AUDIT_SPOOL_PATH": "~/spool",
        "AUDIT_SPOOL_BYTES": "2000000",
        "AUDIT_SPOOL_EVENTS": "5",
        "AUDIT_QUEUE_EVENTS": "6",
    }
    assert set(given) == {name.upper() for (name,) in VARIABLES.values()}
    assert set(VARIABLES) == set(ClientSettings.model_fields)
    assert settings_from_env(given) == ClientSettings(
        enabled=False,
        url=URL,
        timeout_seconds=2.5,
        namespace="payments",
        service="my-agent",
        token_file=Path("/t"),
        ca_file=Path("/c"),
        kubeconfig=Path("/k"),
        spool_path=Path("~/spool").expanduser(),
        spool_bytes=2_000_000,
        spool_events=5,
        queue_events=6,
    )


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("AUDIT_TIMEOUT_SECONDS", "soon", "timeout_seconds"),
        ("AUDIT_TIMEOUT_SECONDS", "0", "timeout_seconds"),
        ("AUDIT_ENABLED", "perhaps", "enabled"),
        ("AUDIT_NAMESPACE", "Not A Name", "namespace"),
        ("AUDIT_SPOOL_BYTES", "12", "spool_bytes"),
        ("AUDIT_QUEUE_EVENTS", "-1", "queue_events"),
    ],
)
def test_a_bad_value_is_said_and_the_default_counts(
    variable: str, value: str, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_from_env({variable: value, "AUDIT_SERVICE": "kept"})
    assert getattr(settings, field) == getattr(ClientSettings(), field)
    assert settings.service == "kept"
    (message,) = caplog.messages
    assert message.startswith(f"{variable}: {value!r} is refused: ")
    assert "the default counts" in message


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://audit", "it is no https:// address"),
        ("audit.example", "it is no https:// address"),
        ("https://", "it is no https:// address"),
        ("http://audit.example", "it is not encrypted; http:// is for this machine only"),
        ("https://audit.example?x=1", "it has a user, a query or a fragment"),
    ],
)
def test_with_a_bad_address_the_audit_is_off_and_says_so(
    url: str, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not by resources: that might be another cluster's audit."""
    assert settings_from_env({"DATA_STORAGE_AUDIT_URL": url}).enabled is False
    (message,) = caplog.messages
    assert message.startswith(f"DATA_STORAGE_AUDIT_URL: {url!r} is refused: {why}; ")
    assert "the audit is OFF" in message


def test_a_password_in_an_address_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert not settings_from_env({"DATA_STORAGE_AUDIT_URL": "https://me:s3cret@x"}).enabled
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_may_be_asked_without_encryption(host: str) -> None:
    assert settings_from_env({"DATA_STORAGE_AUDIT_URL": f"http://{host}:8080/"}).enabled


def test_a_user_without_a_home_has_a_folder_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    settings = settings_from_env({})
    assert settings.enabled
    assert settings.spool_path == Path(tempfile.gettempdir(), f"workflow-audit-{os.geteuid()}")
