"""Whom the API server's aggregation layer speaks for.

The cluster says in the config map kube-system/extension-apiserver-authentication which client
certificates may do so, and in which headers the user is. Source:
https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.user import User

Headers = Iterable[tuple[bytes, bytes]]
"""Names in lower case, as ASGI gives them."""

_CA = "requestheader-client-ca-file"


@dataclass(frozen=True)
class FrontProxy:
    """Whose word counts, and how it is written."""

    ca: str
    """Certificates in PEM of the authorities that sign its certificates."""

    allowed_names: frozenset[str]
    """Common names; empty allows every certificate of these authorities."""

    user_headers: tuple[str, ...]
    uid_headers: tuple[str, ...]
    group_headers: tuple[str, ...]
    extra_prefixes: tuple[str, ...]

    def allows(self, common_name: str) -> bool:
        """Tell whether a certificate of this name may speak for users."""
        return not self.allowed_names or common_name in self.allowed_names


def front_proxy(data: Mapping[str, str]) -> FrontProxy:
    """Read the config map.

    Raises:
        InvalidFieldError: a key of it is missing or no JSON; names the key.
    """
    if not data.get(_CA):
        raise InvalidFieldError(
            f"extension-apiserver-authentication {_CA}",
            data.get(_CA),
            "is missing",
            "start the API server with --requestheader-client-ca-file",
        )
    return FrontProxy(
        ca=data[_CA],
        allowed_names=frozenset(_names(data, "requestheader-allowed-names")),
        user_headers=_lower(_names(data, "requestheader-username-headers")),
        uid_headers=_lower(_names(data, "requestheader-uid-headers")),
        group_headers=_lower(_names(data, "requestheader-group-headers")),
        extra_prefixes=_lower(_names(data, "requestheader-extra-headers-prefix")),
    )


def remote_user(proxy: FrontProxy, headers: Headers) -> User | None:
    """Give the user that the headers name; None when they name nobody, or cannot be read."""
    raw: dict[str, list[bytes]] = {}
    for name, value in headers:
        raw.setdefault(name.decode("latin-1").lower(), []).append(value)
    try:
        # Go writes the bytes of a name into the header as they are, and names are UTF-8.
        found = {
            name: [value.decode() for value in values]
            for name, values in raw.items()
            if _speaks_of_users(proxy, name)
        }
    except UnicodeDecodeError:
        return None
    user = _first(found, proxy.user_headers)
    if not user:
        return None
    groups = [group for name in proxy.group_headers for group in found.get(name, ())]
    extra: dict[str, tuple[str, ...]] = {}
    for prefix in proxy.extra_prefixes:
        for header, values in found.items():
            if header.startswith(prefix) and len(header) > len(prefix):
                key = unquote(header.removeprefix(prefix))
                extra[key] = extra.get(key, ()) + tuple(values)
    return User(user, tuple(groups), _first(found, proxy.uid_headers), extra)


def _speaks_of_users(proxy: FrontProxy, header: str) -> bool:
    names = (*proxy.user_headers, *proxy.uid_headers, *proxy.group_headers)
    return header in names or header.startswith(proxy.extra_prefixes)


def _first(found: Mapping[str, list[str]], names: tuple[str, ...]) -> str:
    return next((found[name][0] for name in names if found.get(name, [""])[0]), "")


def _names(data: Mapping[str, str], key: str) -> list[str]:
    text = data.get(key) or "[]"
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        path = f"extension-apiserver-authentication {key}"
        raise InvalidFieldError(path, text, "is no list of names", 'write ["a", "b"]')
    return names


def _lower(names: list[str]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)
