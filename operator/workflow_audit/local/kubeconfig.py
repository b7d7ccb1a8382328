"""Kubeconfig files: where the API server is, whom to trust, who one is."""

import hashlib
import re
from base64 import b64encode

import yaml

from workflow_audit.certificates import KeyPair

CLUSTER = "workflow-audit"
"""Name of cluster and context; it tells a local environment from a real one."""


def certificate_kubeconfig(url: str, authority: str, user: str, pair: KeyPair) -> str:
    """Give a kubeconfig for a user with a client certificate."""
    credentials = {
        "client-certificate-data": _encoded(pair.certificate),
        "client-key-data": _encoded(pair.key),
    }
    return _kubeconfig(url, authority, user, credentials)


def token_kubeconfig(url: str, authority: str, name: str, token: str) -> str:
    """Give a kubeconfig for the bearer of a token."""
    return _kubeconfig(url, authority, name, {"token": token})


def file_name(user: str, groups: tuple[str, ...] = ()) -> str:
    """Name the file of a user: readable, and different for every user and set of groups."""
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", user).strip("-.")[:60]
    digest = hashlib.sha256("\0".join((user, *groups)).encode()).hexdigest()[:8]
    return f"{readable}-{digest}.kubeconfig"


def _kubeconfig(url: str, authority: str, user: str, credentials: dict[str, str]) -> str:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": CLUSTER,
                "cluster": {"server": url, "certificate-authority-data": _encoded(authority)},
            }
        ],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": CLUSTER, "context": {"cluster": CLUSTER, "user": user}}],
        "current-context": CLUSTER,
    }
    text: str = yaml.safe_dump(content, sort_keys=False)
    return text


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
