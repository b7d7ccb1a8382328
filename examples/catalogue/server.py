#!/usr/bin/env python3
"""A small workflow catalogue, to try searches and their audit with; Python alone runs it.

It answers POST /api/v1/workflows/search as the catalogue of kubernaut does, from catalogue.json
beside it, and GET /healthz. Scores of labels are the catalogue's own; how like a text is, is
estimated from its words (similarity.py) instead of by an embedding model. Not for production.
"""

import argparse
import hmac
import json
import ssl
import sys
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from answers import SHAPES
from ranking import Workflow, load, ranked
from request import PATH, RefusedRequestError, parse
from similarity import Similarity

HEALTH_PATH = "/healthz"
MOST_BODY_BYTES = 64 * 1024
IDLE_SECONDS = 10.0

EXAMPLES = """
examples:
  python examples/catalogue/server.py --port 8099

  curl -s http://127.0.0.1:8099/api/v1/workflows/search -d '{
    "query": "OOMKilled critical, pod restarts again and again",
    "filters": {"signal-type": "OOMKilled", "resource-management": "gitops"}, "top_k": 3}'

  python examples/catalogue/server.py --token-file ./token --certificate tls.crt --key tls.key
"""


class Catalogue:
    """Workflows that can be searched."""

    def __init__(self, workflows: Sequence[Workflow], shape: str) -> None:
        self.workflows = workflows
        self._similarity = Similarity([workflow.text for workflow in workflows])
        self._answer = SHAPES[shape]

    def answer(self, body: bytes) -> dict[str, Any]:
        """Answer a request.

        Raises:
            RefusedRequestError: it is no search.
        """
        asked = parse(body)
        candidates = zip(self.workflows, self._similarity.of(asked.query), strict=True)
        found = ranked(candidates, asked.filters, asked.min_similarity)
        return self._answer(found[: asked.top_k], len(found))


class RefusedError(Exception):
    """A request that is not answered, for another reason than what it asks."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Server(ThreadingHTTPServer):
    """Answers every connection in a thread of its own."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], catalogue: Catalogue, token_file: Path | None
    ) -> None:
        super().__init__(address, Handler)
        self.catalogue, self.token_file = catalogue, token_file

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Say in a line what went wrong with a connection, such as a client that does no TLS."""
        print(f"{client_address[0]}: {sys.exception()}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        """Tell that it is alive."""
        if self.path == HEALTH_PATH:
            self._send(HTTPStatus.OK, {"status": "ok", "workflows": len(self._catalogue.workflows)})
        else:
            self.send_error(HTTPStatus.NOT_FOUND, f"there is POST {PATH}, and GET {HEALTH_PATH}")

    def do_POST(self) -> None:
        """Answer a search."""
        try:
            body = self._body()
            self._authenticate()
            self._check_path()
            self._send(HTTPStatus.OK, self._catalogue.answer(body))
        except RefusedRequestError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
        except RefusedError as error:
            self.send_error(error.status, str(error))

    @property
    def _catalogue(self) -> Catalogue:
        return self.server.catalogue

    def _body(self) -> bytes:
        """Read the body, before anything is refused: a client that still sends hears nothing."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()):
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "send the body with a Content-Length")
        if int(length) > MOST_BODY_BYTES:
            detail = f"{length} bytes are too many; send at most {MOST_BODY_BYTES}"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        return self.rfile.read(int(length))

    def _authenticate(self) -> None:
        """Compare the client's token with the file, which is read anew: tokens are replaced."""
        if self.server.token_file:
            wanted = f"Bearer {self.server.token_file.read_text(encoding='utf-8').strip()}"
            given = self.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), wanted.encode()):
                detail = "send the token of this catalogue as Authorization: Bearer TOKEN"
                raise RefusedError(HTTPStatus.UNAUTHORIZED, detail)

    def _check_path(self) -> None:
        if self.path != PATH:
            raise RefusedError(HTTPStatus.NOT_FOUND, f"searches go to {PATH}")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with a problem (RFC 9457); the base class has some of its own."""
        # The body may not have been read: the next request of this connection would begin in it.
        self.close_connection = True
        status = HTTPStatus(code)
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status,
            "detail": message or explain or status.description,
        }
        self._send(status, problem, "application/problem+json")

    def _send(
        self, status: HTTPStatus, content: dict[str, Any], kind: str = "application/json"
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        if status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)


def parser() -> argparse.ArgumentParser:
    """Give the command line."""
    made = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    beside = Path(__file__).with_name("catalogue.json")
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    made.add_argument("--port", type=int, default=8099, help="%(default)s; 0 takes a free one")
    made.add_argument("--catalogue", type=Path, default=beside, help="JSON file with the workflows")
    made.add_argument(
        "--shape",
        choices=sorted(SHAPES),
        default="snake",
        help="of the answers: the first one (snake, the default), or the later, flat one (camel)",
    )
    made.add_argument("--token-file", type=Path, help="file with a token that clients must send")
    made.add_argument("--certificate", type=Path, help="PEM file: speak TLS; needs --key")
    made.add_argument("--key", type=Path, help="PEM file with the private key")
    return made


def made_server(options: argparse.Namespace) -> Server:
    """Make a server that listens already.

    Raises:
        OSError: a file cannot be read, or the port is taken.
        ValueError: the catalogue is none.
    """
    catalogue = Catalogue(load(options.catalogue), options.shape)
    if options.token_file:
        options.token_file.read_text(encoding="utf-8")
    server = Server((options.host, options.port), catalogue, options.token_file)
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.key)
        # The handshake belongs to the connection's own thread: a slow client holds up nobody.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return server


def main() -> None:
    """Serve until Ctrl-C."""
    command_line = parser()
    options = command_line.parse_args()
    if bool(options.certificate) != bool(options.key):
        command_line.error("give --certificate and --key together, or neither")
    try:
        server = made_server(options)
    except (OSError, ValueError) as error:
        command_line.error(str(error))
    scheme, (host, port) = "https" if options.certificate else "http", server.server_address[:2]
    number = len(server.catalogue.workflows)
    try:
        print(f"a catalogue of {number} workflows on {scheme}://{host!s}:{port}", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
