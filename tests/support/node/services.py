"""Services: their addresses lead to a ready pod, as kube-proxy has it."""

import itertools
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any, Self

Json = dict[str, Any]

CHUNK_BYTES = 65536


class ServicePort:
    """One port of a service, on its cluster address, which is one of this machine."""

    def __init__(self, address: str, port: int, ready: Callable[[], list[tuple[str, int]]]) -> None:
        """Listen.

        Args:
            address: of the service.
            port: of the service.
            ready: gives address and port of each pod that is ready.
        """
        turns = itertools.count()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                pods = ready()
                if not pods:
                    return  # closed at once: nobody is there
                pod = pods[next(turns) % len(pods)]
                with socket.create_connection(pod, timeout=5) as there:
                    there.settimeout(None)
                    back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
                    back.start()
                    _pump(self.request, there)
                    back.join()

        self._server = _Server((address, port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(CHUNK_BYTES):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, target):
            each.close()
