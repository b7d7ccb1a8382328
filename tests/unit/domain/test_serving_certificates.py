"""What is done next with the certificate of the server of readers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from workflow_audit.certificates import Signer, new_key
from workflow_audit.domain.serving_certificates import (
    LONGEST_PAUSE,
    MOST_AUTHORITIES,
    SETTLE,
    Issue,
    Serve,
    Step,
    Stored,
    Tell,
    Wait,
    ends_at,
    next_step,
    renewed_at,
)

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIFE = timedelta(days=90)
HOSTS = ("workflow-audit-apiserver.workflow-audit.svc", "other.svc")
KEY = new_key()
LONG, NONE = timedelta(days=1), timedelta(0)


def made(days_ago: float, key: str = KEY, hosts: tuple[str, ...] = HOSTS) -> tuple[str, str]:
    """Give a certificate and its authority."""
    now = NOW - timedelta(days=days_ago)
    signer = Signer.create(f"made {days_ago} days ago", now, LIFE)
    return signer.server("s", hosts, now, key).certificate, signer.pair.certificate


FRESH, FRESH_CA = made(0)
YOUNG, YOUNG_CA = made(30)
DUE, DUE_CA = made(61)
OVER, OVER_CA = made(91)
STRANGE, STRANGE_CA = made(1, new_key())
ELSEWHERE, ELSEWHERE_CA = made(1, hosts=("other.svc",))

GOOD = Stored(KEY, YOUNG, YOUNG_CA, version="7")
STAGED = Stored(KEY, DUE, FRESH_CA + DUE_CA, FRESH, "7")


def step(stored: Stored | None, told: str | None = None, known_for: timedelta = LONG) -> Step:
    told = (stored.authorities if stored else "") if told is None else told
    return next_step(stored, told, known_for, HOSTS, NOW)


@pytest.mark.parametrize(
    ("stored", "told", "known_for", "expected"),
    [
        pytest.param(GOOD, None, LONG, Wait(LONGEST_PAUSE), id="all-is-well"),
        pytest.param(GOOD, "", LONG, Tell(YOUNG_CA), id="nobody-is-trusted"),
        pytest.param(GOOD, STRANGE_CA, LONG, Tell(YOUNG_CA), id="somebody-else-is-trusted"),
        pytest.param(GOOD, YOUNG_CA + STRANGE_CA, LONG, Tell(YOUNG_CA), id="too-many-are-trusted"),
        pytest.param(GOOD, f"\n{YOUNG_CA}\n", LONG, Wait(LONGEST_PAUSE), id="blanks-are-nothing"),
        pytest.param(STAGED, DUE_CA, LONG, Tell(FRESH_CA + DUE_CA), id="told-before-it-is-served"),
        pytest.param(
            STAGED, None, SETTLE - timedelta(seconds=5), Wait(timedelta(seconds=5)), id="settling"
        ),
        pytest.param(STAGED, None, NONE, Wait(LONGEST_PAUSE), id="just-told"),
        pytest.param(
            STAGED,
            None,
            SETTLE,
            Serve(Stored(KEY, FRESH, FRESH_CA + DUE_CA, version="7")),
            id="settled",
        ),
        pytest.param(
            Stored(KEY, "", FRESH_CA, FRESH, "7"),
            None,
            NONE,
            Serve(Stored(KEY, FRESH, FRESH_CA, version="7")),
            id="the-first-one-has-nobody-to-wait-for",
        ),
        pytest.param(
            Stored(KEY, OVER, FRESH_CA + OVER_CA, FRESH, "7"),
            None,
            NONE,
            Serve(Stored(KEY, FRESH, FRESH_CA + OVER_CA, version="7")),
            id="one-that-has-ended-is-worth-no-waiting",
        ),
        pytest.param(
            Stored(KEY, DUE, DUE_CA + OVER_CA, version="7"),
            None,
            LONG,
            Issue(
                "the present one ends 2026-12-26 12:00:00 UTC",
                Stored(KEY, DUE, DUE_CA, version="7"),
            ),
            id="due",
        ),
        pytest.param(
            Stored(KEY, OVER, OVER_CA, version="7"),
            None,
            LONG,
            Issue(
                "the present one ends 2026-11-26 12:00:00 UTC",
                Stored(KEY, OVER, "", version="7"),
            ),
            id="over",
        ),
        pytest.param(None, "", NONE, Issue("there is none", Stored("", "", "")), id="nothing-yet"),
        pytest.param(
            None,
            YOUNG_CA + OVER_CA,
            LONG,
            Issue("there is none", Stored("", "", YOUNG_CA)),
            id="removed-while-servers-run",
        ),
    ],
)
def test_what_is_next(
    stored: Stored | None, told: str | None, known_for: timedelta, expected: Step
) -> None:
    assert step(stored, told, known_for) == expected


@pytest.mark.parametrize(
    ("broken", "reason", "key"),
    [
        pytest.param({"key": "x"}, "tls.key is no private key", "", id="key"),
        pytest.param({"key": ""}, "tls.key is no private key", "", id="no-key"),
        pytest.param({"key": new_key()}, "tls.crt does not belong to tls.key", None, id="a-key"),
        pytest.param({"authorities": "x"}, "ca.crt has no certificate", KEY, id="authorities"),
        pytest.param({"served": ""}, "tls.crt has no certificate", KEY, id="no-certificate"),
        pytest.param({"served": "\ufffd"}, "tls.crt has no certificate", KEY, id="certificate"),
        pytest.param(
            {"served": YOUNG[:300]}, "tls.crt has no certificate", KEY, id="half-a-certificate"
        ),
        pytest.param(
            {"served": STRANGE}, "tls.crt does not belong to tls.key", KEY, id="other-certificate"
        ),
        pytest.param(
            {"served": ELSEWHERE}, f"tls.crt is not for {HOSTS[0]}", KEY, id="for-other-names"
        ),
        pytest.param(
            {"served": FRESH},
            "tls.crt was not issued by an authority in ca.crt",
            KEY,
            id="of-another-authority",
        ),
        pytest.param({"following": "x"}, "next.crt has no certificate", KEY, id="following"),
    ],
)
def test_what_is_broken_is_named_and_made_anew(
    broken: dict[str, str], reason: str, key: str | None
) -> None:
    stored = replace(GOOD, **broken)
    found = step(stored, YOUNG_CA)
    assert isinstance(found, Issue)
    assert (found.reason, found.mends, found.kept.version) == (reason, True, "7")
    assert found.kept.key == (stored.key if key is None else key), "kept where it is one"
    assert found.kept.authorities == YOUNG_CA, "servers may be running with a certificate of it"
    assert found.kept.served == found.kept.following == ""


def test_times() -> None:
    assert ends_at(FRESH) == NOW + LIFE
    two_thirds = NOW + LIFE * 2 / 3
    assert abs(renewed_at(FRESH) - two_thirds) < timedelta(minutes=5)


def test_the_trusted_authorities_are_bounded() -> None:
    many = "".join(made(number / 100)[1] for number in range(MOST_AUTHORITIES + 5))
    found = step(None, many)
    assert isinstance(found, Issue)
    assert found.kept.authorities.count("BEGIN") == MOST_AUTHORITIES


def test_keys_are_not_shown() -> None:
    assert KEY.splitlines()[1] not in repr(GOOD) + str(step(STAGED)) + repr(step(None, YOUNG_CA))
