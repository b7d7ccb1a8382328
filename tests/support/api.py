"""Raw requests to the API server: any bytes, any user, any number at once."""

import contextlib
import json
import ssl
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import urllib3

from support.eventually import eventually
from workflow_audit.local.environment import LocalEnvironment

SEARCHES = "workflowsearches"
GROUP_PATH = "/apis/audit.kubernaut.ai/v1alpha1"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
CONNECTIONS = 32
CHUNK_BYTES = 65536
STREAM_TIMEOUT = urllib3.Timeout(connect=10, read=1.5)
"""A stream that is silent for longer ends with urllib3's ReadTimeoutError."""


@dataclass(frozen=True)
class Answer:
    """What the API server said."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """Its words, where it refuses."""
        return str(self.body.get("message", "")) if isinstance(self.body, dict) else str(self.body)


class Api:
    """The API server as the administrator sees it, or a user whose rights come from RBAC."""

    def __init__(
        self, environment: LocalEnvironment, user: str | None = None, groups: Sequence[str] = ()
    ) -> None:
        self._environment = environment
        self.name = user or "workflow-audit-admin"
        context = client_context(environment, user, groups)
        self._pool = urllib3.PoolManager(
            ssl_context=context, maxsize=CONNECTIONS, block=True, retries=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.clear()

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Answer:
        """Send a request; bytes go as they are, anything else as JSON.

        Raises:
            urllib3.exceptions.HTTPError: there was no answer.
        """
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        answer = self._pool.request(
            method,
            self._environment.control_plane.url + path,
            body=raw,
            headers={"Content-Type": content_type, "Accept": "application/json"},
            timeout=urllib3.Timeout(60),
        )
        try:
            return Answer(answer.status, json.loads(answer.data))
        except ValueError:
            return Answer(answer.status, answer.data.decode(errors="replace"))

    def get(self, path: str) -> Any:
        """Read something that is there."""
        return expected(self.request("GET", path)).body

    def create(self, path: str, body: Any) -> Any:
        """Create something that is accepted."""
        return expected(self.request("POST", path, body)).body

    def apply(self, path: str, body: Any) -> Any:
        """Bring something into a state by server-side apply."""
        path = f"{path}?fieldManager=tests&force=true"
        return expected(self.request("PATCH", path, body, APPLY_PATCH)).body

    def delete(self, path: str) -> Answer:
        """Ask to delete something."""
        return self.request("DELETE", path)

    @contextlib.contextmanager
    def stream(self, path: str) -> Iterator[urllib3.BaseHTTPResponse]:
        """Give an answer that has no end, such as a watch."""
        url = self._environment.control_plane.url + path
        answer = self._pool.request("GET", url, preload_content=False, timeout=STREAM_TIMEOUT)
        try:
            yield answer
        finally:
            answer.close()
            answer.release_conn()


def expected(answer: Answer) -> Answer:
    """Insist on success."""
    assert answer.ok, f"{answer.status}: {answer.message}"
    return answer


def client_context(
    environment: LocalEnvironment, user: str | None = None, groups: Sequence[str] = ()
) -> ssl.SSLContext:
    """Give a TLS context by which one is that user; without a user, the administrator."""
    certificates = environment.control_plane.certificates
    pair = certificates.client(user, tuple(groups)) if user else certificates.admin
    context = ssl.create_default_context(cafile=str(environment.control_plane.ca_file))
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "crt"), Path(folder, "key")
        certificate.write_text(pair.certificate)
        key.write_text(pair.key)
        context.load_cert_chain(certificate, key)
    return context


class SearchWatch:
    """Every change of a namespace's searches, as an unfiltered watch delivers it."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._path = f"{GROUP_PATH}/namespaces/{namespace}/{SEARCHES}"
        self._api = api
        self._version = ""
        self._stopping = False
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self._version = self._api.get(self._path)["metadata"]["resourceVersion"]
        self._thread = threading.Thread(target=self._run, name="search-watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(60)

    def writes(self, name: str) -> list[dict[str, Any]]:
        """Give the status after each write to a search, in order."""
        return [
            event["object"].get("status", {})
            for event in list(self.events)
            if event["type"] == "MODIFIED" and event["object"]["metadata"]["name"] == name
        ]

    def wait_writes(self, names: Iterable[str], count: int) -> None:
        """Wait until the watch shows as many writes to each search; then there were no more."""
        for name in names:
            eventually(lambda name=name: len(self.writes(name)), until=lambda seen: seen >= count)
        assert {name: len(self.writes(name)) for name in names} == dict.fromkeys(names, count)

    def _run(self) -> None:
        # The API server ends a watch whose client is too slow; the next one goes on from there.
        while not self._stopping:
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                self._follow()

    def _follow(self) -> None:
        rest = b""
        with self._api.stream(f"{self._path}?watch=1&resourceVersion={self._version}") as answer:
            assert answer.status == 200, answer.status
            for chunk in answer.stream(CHUNK_BYTES):
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(json.loads, lines):
                    assert event["type"] != "ERROR", event
                    self._version = event["object"]["metadata"]["resourceVersion"]
                    self.events.append(event)
                if self._stopping:
                    return
