"""A namespace of searches, and the one question about them: has each exactly one row?"""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import urllib3
from psycopg.rows import dict_row

from support.api import GROUP_PATH, SEARCHES, Answer, Api, expected
from support.condition_rules import broken_condition_rules
from support.eventually import eventually
from workflow_audit.local.environment import LocalEnvironment

EXAMPLES = Path(__file__).parents[2] / "examples" / "searches.jsonl"
RECORDED_SECONDS = 120.0
CREATORS = 16


def bundled_specs() -> list[dict[str, Any]]:
    """Give the 615 bundled searches; line n of the file is element n - 1."""
    return [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]


def search(spec: Any, name: str) -> dict[str, Any]:
    """Give a manifest."""
    return {
        "apiVersion": "audit.kubernaut.ai/v1alpha1",
        "kind": "WorkflowSearch",
        "metadata": {"name": name},
        "spec": spec,
    }


class Searches:
    """The searches of one namespace and their rows."""

    def __init__(self, environment: LocalEnvironment, api: Api, namespace: str) -> None:
        self.environment = environment
        self.api = api
        self.namespace = namespace
        self.path = f"{GROUP_PATH}/namespaces/{namespace}/{SEARCHES}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        api.apply(f"/api/v1/namespaces/{namespace}", body)
        self._database: psycopg.Connection[dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the database; the next question opens another one."""
        if self._database:
            self._database.close()
            self._database = None

    def _connected(self) -> psycopg.Connection[dict[str, Any]]:
        if self._database is None:
            url = self.environment.postgres.superuser_url
            self._database = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        return self._database

    def submit(self, manifest: Any, query: str = "") -> Answer:
        """Send a manifest, or bytes, and give the answer."""
        return self.api.request("POST", self.path + query, manifest)

    def create(self, specs: Iterable[Any], prefix: str = "s") -> list[str]:
        """Create searches, many at once; gives their names, `<prefix>-<number from 1>`."""
        named = [(f"{prefix}-{n:04}", spec) for n, spec in enumerate(specs, 1)]

        def create(pair: tuple[str, Any]) -> str:
            name, spec = pair
            expected(self.submit(search(spec, name)))
            return name

        with ThreadPoolExecutor(CREATORS) as pool:
            return list(pool.map(create, named))

    def get(self, name: str) -> dict[str, Any]:
        """Give one search as the API server has it."""
        found: dict[str, Any] = self.api.get(f"{self.path}/{name}")
        return found

    def listed(self) -> list[dict[str, Any]]:
        """Give all searches as the API server has them."""
        items: list[dict[str, Any]] = self.api.get(self.path)["items"]
        return items

    def phases(self) -> Counter[str]:
        """Count searches by phase; `` is one that nobody has touched."""
        return Counter(item.get("status", {}).get("phase", "") for item in self.listed())

    def some_unrecorded(self) -> list[str]:
        """Give the names of a few searches that are not Recorded."""
        return self.selected("status.phase!=Recorded")

    def selected(self, fields: str) -> list[str]:
        """Give the names of a few searches that a field selector selects; cheap to ask often."""
        query = f"?fieldSelector={fields}&limit=10"
        return [item["metadata"]["name"] for item in self.api.get(self.path + query)["items"]]

    def rows(self, columns: str = "*") -> list[dict[str, Any]]:
        """Give the rows of this namespace."""
        statement = f"SELECT {columns} FROM audit_events WHERE namespace = %s".encode()
        try:
            return self._connected().execute(statement, [self.namespace]).fetchall()
        except psycopg.OperationalError:  # a test has cut it; whether it may come back shows now
            self.close()
            return self._connected().execute(statement, [self.namespace]).fetchall()

    def row_count(self) -> int:
        """Give the number of rows of this namespace."""
        return int(self.rows("count(*)")[0]["count"])

    def row(self, name: str) -> dict[str, Any]:
        """Give the one row of a search."""
        (row,) = [row for row in self.rows() if row["resource_name"] == name]
        return row

    def wait_recorded(
        self, count: int | None = None, within_seconds: float = RECORDED_SECONDS
    ) -> list[dict[str, Any]]:
        """Wait until all are Recorded, then hold searches against rows: one for each, no other.

        Args:
            count: how many there must be; without it, as many as the API server has.
            within_seconds: longest wait.

        Returns:
            The searches.
        """
        eventually(
            self.some_unrecorded, until=lambda names: not names, within_seconds=within_seconds
        )
        found = self.listed()
        assert count is None or len(found) == count
        self.assert_one_row_each(found)
        return found

    def wait_resources_recorded(self, count: int) -> None:
        """Wait until so many searches are there and Recorded, whatever other rows there are."""
        eventually(
            self.phases,
            until=lambda phases: phases == {"Recorded": count},
            within_seconds=RECORDED_SECONDS,
        )

    def assert_one_row_each(self, found: Sequence[dict[str, Any]]) -> None:
        """Compare searches that are Recorded with the rows of the namespace, exactly."""
        rows = self.rows("event_id, resource_id, resource_name, event_outcome")
        uids = {item["metadata"]["uid"] for item in found}
        assert Counter(row["resource_id"] for row in rows) == Counter(uids)
        by_uid = {row["resource_id"]: row for row in rows}
        for item in found:
            row, status = by_uid[item["metadata"]["uid"]], item["status"]
            assert status["eventId"] == str(row["event_id"])
            assert status["outcome"] == row["event_outcome"]
            assert broken_condition_rules(item) == []


class Load:
    """Creates searches at a steady rate, also through an outage of the API server."""

    THREADS = 2

    def __init__(
        self, searches: Searches, specs: Sequence[Any], per_second: float, at_most: int = 1000
    ) -> None:
        self._searches = searches
        self._specs = specs
        self._pause = self.THREADS / per_second
        self._at_most = at_most
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.accepted: set[str] = set()
        """Names of the searches that the API server said it has taken."""

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            with self._lock:
                number = next(self._numbers)
            if number > self._at_most:
                return  # on a machine that is too busy the backlog must not grow for ever
            name = f"load-{number:05}"
            manifest = search(self._specs[number % len(self._specs)], name)
            while not self._created(manifest) and not self._stopping.wait(0.05):
                pass

    def _created(self, manifest: dict[str, Any]) -> bool:
        try:
            answer = self._searches.submit(manifest)
        except urllib3.exceptions.HTTPError:
            return False  # perhaps taken, perhaps not: asked again by the same name
        # Of two attempts the first may have been the one that counted.
        taken = answer.status in {201, 409}
        assert taken or answer.status in {403, 429, 500, 502, 503, 504}, answer
        if taken:
            self.accepted.add(manifest["metadata"]["name"])
        return taken

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Create until the block ends."""
        threads = [threading.Thread(target=self._run) for _ in range(self.THREADS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join(70)

    def wait_recorded(self) -> list[dict[str, Any]]:
        """Wait until all that was accepted is Recorded, exactly once; nothing may be missing."""
        found = self._searches.wait_recorded()
        assert self.accepted <= {item["metadata"]["name"] for item in found}
        return found
