"""Free ports on 127.0.0.1."""

import random
import socket
from collections.abc import Container

from workflow_audit.errors import LocalError

HOST = "127.0.0.1"

PORTS = range(20000, 30000)
"""Below the ports that systems give to outgoing connections (from 32768 on Linux): a client that
retries while a server is down could otherwise take the server's port and keep it from coming
back. And below Kubernetes' node ports."""

ATTEMPTS = 200

START_ATTEMPTS = 5
"""How often a server is started on another port, when somebody took its port in between."""

_TAKEN = ("address already in use", "could not bind", "failed to listen on")


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: a connection in TIME_WAIT does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_port(but_not: Container[int] = ()) -> int:
    """Choose a free port; random, so that two environments seldom choose the same.

    Raises:
        LocalError: none was found.
    """
    for _ in range(ATTEMPTS):
        port = random.choice(PORTS)  # noqa: S311 - not a secret
        if port not in but_not and is_free(port):
            return port
    raise LocalError(
        f"no free port among {PORTS.start} to {PORTS.stop - 1} on {HOST}; stop what listens there"
    )


def says_taken(message: str) -> bool:
    """Whether a server's log says that somebody else took its port."""
    return any(word in message.lower() for word in _TAKEN)
