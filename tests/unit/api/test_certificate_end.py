"""The metric tells when the served certificate ends, also after an exchange."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from unit.api.test_tls import HOST, authority, listening, put
from workflow_audit import metrics
from workflow_audit.api.tls import ServingContext
from workflow_audit.certificates import Signer
from workflow_audit.domain.serving_certificates import chain_ends_at, ends_at
from workflow_audit.wiring.running import utc_now

NOW = utc_now().replace(microsecond=0)


def signer(days: int) -> Signer:
    return Signer.create("authority", NOW, timedelta(days=days))


def shown() -> float | None:
    name = "workflow_audit_serving_certificate_expiry_timestamp_seconds"
    return metrics.REGISTRY.get_sample_value(name)


def test_it_follows_an_exchange(tmp_path: Path) -> None:
    old, new = authority(tmp_path, "old"), authority(tmp_path, "new")
    pair = old.server("us", (HOST,), NOW)
    own = put(tmp_path, "tls", pair)
    with listening(ServingContext(*own, lambda: "")) as listener:
        assert shown() == ends_at(pair.certificate).timestamp()
        later = new.server("us", (HOST,), NOW + timedelta(seconds=90))
        put(tmp_path, "tls", later)
        listener.ask(new)
        assert ends_at(later.certificate) == ends_at(pair.certificate) + timedelta(seconds=90)
        assert shown() == ends_at(later.certificate).timestamp()


def test_half_an_exchange_changes_nothing(tmp_path: Path) -> None:
    old = authority(tmp_path, "old")
    pair = old.server("us", (HOST,), NOW)
    own = put(tmp_path, "tls", pair)
    with listening(ServingContext(*own, lambda: "")) as listener:
        own[0].write_text("no certificate")
        listener.ask(old)
        assert shown() == ends_at(pair.certificate).timestamp()


@pytest.mark.parametrize(
    ("days", "end"),
    [
        pytest.param((), None, id="none"),
        pytest.param((30,), 30, id="one"),
        pytest.param((30, 10), 10, id="its-authority-ends-first"),
        pytest.param((10, 30), 10, id="it-ends-first"),
    ],
)
def test_what_ends_first_counts(days: tuple[int, ...], end: int | None) -> None:
    chain = "".join(signer(each).pair.certificate for each in days)
    expected = None if end is None else NOW + timedelta(days=end)
    assert chain_ends_at(f"a comment\n{chain}" if chain else "nothing") == expected


def test_a_certificate_whose_end_cannot_be_read_is_served_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cryptography takes fewer certificates than OpenSSL does."""

    def unreadable(_: str) -> datetime | None:
        return None

    serving = authority(tmp_path, "serving")
    own = put(tmp_path, "tls", serving.server("us", (HOST,), NOW))
    monkeypatch.setattr("workflow_audit.api.tls.chain_ends_at", unreadable)
    with listening(ServingContext(*own, lambda: "")) as listener:
        assert listener.ask(serving) == "None"
    assert shown() == 0
