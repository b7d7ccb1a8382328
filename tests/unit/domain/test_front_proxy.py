"""Whose word counts is what the cluster says, and users are read from the headers it names."""

import pytest

from workflow_audit.domain.front_proxy import front_proxy, remote_user
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.user import User

DATA = {
    "requestheader-client-ca-file": "PEM",
    "requestheader-allowed-names": '["front-proxy-client"]',
    "requestheader-username-headers": '["X-Remote-User"]',
    "requestheader-uid-headers": '["X-Remote-Uid"]',
    "requestheader-group-headers": '["X-Remote-Group"]',
    "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
}


def test_the_config_map_is_read() -> None:
    proxy = front_proxy(DATA)
    assert proxy.ca == "PEM"
    assert proxy.allows("front-proxy-client")
    assert not proxy.allows("somebody")


def test_without_names_every_certificate_of_the_authority_counts() -> None:
    assert front_proxy(DATA | {"requestheader-allowed-names": "[]"}).allows("somebody")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"requestheader-client-ca-file": ""}, "start the API server with --requestheader-client"),
        ({"requestheader-allowed-names": "x"}, "requestheader-allowed-names: 'x' is no list"),
        ({"requestheader-group-headers": "[1]"}, "requestheader-group-headers: .* is no list"),
        ({"requestheader-uid-headers": '"a"'}, "requestheader-uid-headers: .* is no list"),
    ],
)
def test_what_cannot_be_understood_is_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidFieldError, match=message):
        front_proxy(DATA | change)


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        pytest.param([], None, id="nobody"),
        pytest.param([("x-remote-user", "")], None, id="an-empty-name-is-nobody"),
        pytest.param([("x-remote-group", "admins")], None, id="groups-alone-are-nobody"),
        pytest.param([("x-remote-user", "ada")], User("ada"), id="name"),
        pytest.param([("x-remote-user", "jürgen")], User("jürgen"), id="beyond-ascii"),
        pytest.param(
            [
                ("x-remote-user", "ada"),
                ("x-remote-uid", "7"),
                ("x-remote-group", "a"),
                ("x-remote-group", "b,c"),
                ("x-remote-extra-scopes", "read"),
                ("x-remote-extra-scopes", "write"),
                ("x-remote-extra-example.org%2froles", "x"),
            ],
            User("ada", ("a", "b,c"), "7"),
            id="all",
        ),
    ],
)
def test_users(headers: list[tuple[str, str]], user: User | None) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers]
    found = remote_user(front_proxy(DATA), raw)
    assert (found and (found.name, found.groups, found.uid)) == (
        user and (user.name, user.groups, user.uid)
    )


def test_extra_is_what_stands_behind_the_prefix() -> None:
    raw = [
        (b"x-remote-user", b"ada"),
        (b"x-remote-extra-scopes", b"read"),
        (b"x-remote-extra-scopes", b"write"),
        (b"x-remote-extra-example.org%2froles", b"x"),
        (b"x-remote-extra-", b"no key"),
    ]
    found = remote_user(front_proxy(DATA), raw)
    assert found
    assert found.extra == {"scopes": ("read", "write"), "example.org/roles": ("x",)}


def test_who_cannot_be_read_is_nobody() -> None:
    for header in ((b"x-remote-user", b"ada\xff"), (b"x-remote-group", b"\xff")):
        assert remote_user(front_proxy(DATA), [header, (b"x-remote-user", b"ada")]) is None
    others = [(b"user-agent", b"\xff"), (b"x-remote-user", b"ada")]
    assert remote_user(front_proxy(DATA), others) == User("ada")
