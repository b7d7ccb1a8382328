"""Which way is taken follows from the settings, and what it lacks is said once."""

import logging
import sys
from pathlib import Path

import pytest

from support.client import record
from workflow_audit.client import AuditClient, ClientSettings
from workflow_audit.client.http_transport import HttpTransport
from workflow_audit.client.resource_transport import ResourceTransport
from workflow_audit.client.ways import transport_of


def test_an_address_is_sent_to_and_else_resources_are_created() -> None:
    assert isinstance(transport_of(ClientSettings(url="https://audit.example")), HttpTransport)
    assert isinstance(transport_of(ClientSettings()), ResourceTransport)


def test_without_a_kubernetes_client_the_remedy_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "workflow_audit.client.resource_transport", None)
    with caplog.at_level(logging.ERROR), AuditClient(ClientSettings(spool_path=tmp_path)) as audit:
        record(audit, 3)
    (line,) = caplog.messages
    assert "needs kubernetes 37 or later; install it, or send searches by HTTP" in line
