"""Sends searches as events to the server of the audit, one by one or many in a batch."""

import json
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from workflow_audit.client.complaints import place_of
from workflow_audit.client.events import event_body, idempotency_key
from workflow_audit.client.outcomes import Again, Outcome, Refused, Sent, refusal, retry_after
from workflow_audit.client.searches import WaitingSearch
from workflow_audit.client.settings import EVENTS_PATH, POD_TOKEN

BATCH_PATH = f"{EVENTS_PATH}/batch"
BATCH = 100
LONGEST_ANSWER_BYTES = 4 * 1024 * 1024
OK, CREATED, MULTI_STATUS = 200, 201, 207
CONFLICT, TOO_LARGE = 409, 413
NO_BATCHES = {404, 405, 501}
"""A server that has no such path takes single events."""

_STATUS = {"recorded": Sent(), "replayed": Sent("replayed"), "skipped": Sent("skipped")}


class HttpTransport:
    """Sends with a bearer token, over verified TLS, and follows no redirects."""

    def __init__(
        self,
        url: str,
        *,
        namespace: str | None,
        token_file: Path | None,
        ca_file: Path | None,
        timeout_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Know the server; it is asked when there is something to send.

        Args:
            url: of the server, without a path.
            namespace: of searches that do not say theirs; None lets the server choose the sender's.
            token_file: None takes that of the pod's service account, if there is one.
            ca_file: authorities that are trusted; None takes those of the system.
            timeout_seconds: for an answer.
            clock: for Retry-After.
        """
        self.destination, self.namespace = url, namespace
        self._token_file, self._ca_file, self._clock = token_file, ca_file, clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None
        self._batch = BATCH

    @property
    def at_once(self) -> int:
        """Give the size of a batch that the server takes."""
        return self._batch

    async def send(self, searches: Sequence[WaitingSearch]) -> list[Outcome]:
        """Send one event, or a batch."""
        try:
            if len(searches) == 1:
                return [await self._single(searches[0])]
            return await self._many(searches)
        except TimeoutError:
            trouble = f"no answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            trouble = f"{type(error).__name__}: {' '.join(str(error).split())}"
        except Exception as error:  # noqa: BLE001 - a mistake of ours, or of a library
            trouble = place_of(error)
        await self.close()  # the next attempt reads certificates anew
        return [Again(trouble, concerns_all=True)] * len(searches)

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            closing, self._session = self._session, None
            await closing.close()

    async def _single(self, search: WaitingSearch) -> Outcome:
        key = {"Idempotency-Key": idempotency_key(search)}
        status, answer, wait = await self._post(EVENTS_PATH, event_body(search), key)
        if status in NO_BATCHES:
            self._batch = BATCH  # it takes no events at all; perhaps it will take batches
        if status not in {OK, CREATED}:
            return _refused(status, answer, wait)
        if isinstance(answer, dict) and "event_id" in answer:
            return _STATUS.get(answer.get("status", "recorded"), Sent())
        return Again("the answer is none of the audit", concerns_all=True)

    async def _many(self, searches: Sequence[WaitingSearch]) -> list[Outcome]:
        events = [event_body(s) | {"idempotency_key": idempotency_key(s)} for s in searches]
        status, answer, wait = await self._post(BATCH_PATH, events, {})
        if status in {OK, CREATED, MULTI_STATUS}:
            return _results(answer, len(searches))
        if status in NO_BATCHES:
            self._batch = 1
        elif status == TOO_LARGE:
            self._batch = max(len(searches) // 2, 1)
        elif isinstance(found := refusal(status, _words(answer), wait), Again):
            return [found] * len(searches)
        else:  # something is wrong with one of them, or with batches
            self._batch = 1
        return [Again(f"the server answers {status} to a batch", 0.0)] * len(searches)

    async def _post(
        self, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[int, Any, float | None]:
        """Give status, JSON (None where it is none) and the seconds of Retry-After."""
        session = self._connected()
        sent = {"Content-Type": "application/json", **self._authorization(), **headers}
        async with session.post(
            self.destination + path,
            data=orjson.dumps(body),
            headers=sent,
            allow_redirects=False,
        ) as answer:
            content = await _bounded(answer.content)
            wait = retry_after(answer.headers.get("Retry-After"), self._clock())
            return answer.status, _json(content), wait

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            context = ssl.create_default_context(cafile=self._ca_file)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=context),
                timeout=self._timeout,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=True,
            )
        return self._session

    def _authorization(self) -> dict[str, str]:
        """Read the token anew each time: kubelet replaces it about every hour."""
        if self._token_file is None and not POD_TOKEN.exists():
            return {}
        token = (self._token_file or POD_TOKEN).read_text(encoding="utf-8").strip()
        return {"Authorization": f"Bearer {token}"}


def _refused(status: int, problem: Any, wait: float | None = None) -> Outcome:
    """Give what it means; after 409, the key has its search already, and the first counts."""
    return Sent("replayed") if status == CONFLICT else refusal(status, _words(problem), wait)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    read = bytearray()
    async for chunk in content.iter_any():
        read += chunk
        if len(read) > LONGEST_ANSWER_BYTES:
            raise ValueError(f"the answer has more than {LONGEST_ANSWER_BYTES} bytes")
    return bytes(read)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _results(answer: Any, number: int) -> list[Outcome]:
    """Give what a batch's answer says of each event; what it does not mention is sent again."""
    unknown = Again("the answer does not say what became of it", concerns_all=True)
    outcomes: list[Outcome] = [unknown] * number
    results = answer.get("results") if isinstance(answer, dict) else None
    for result in results if isinstance(results, list) else ():
        index = result.get("index") if isinstance(result, dict) else None
        if isinstance(index, int) and 0 <= index < number:
            outcomes[index] = _result(result)
    return outcomes


def _result(result: dict[str, Any]) -> Outcome:
    status = result.get("status")
    if isinstance(status, str) and status in _STATUS:
        return _STATUS[status]
    problem = result.get("problem")
    code = problem.get("status") if isinstance(problem, dict) else None
    if isinstance(code, int) and code not in {OK, CREATED}:
        return _refused(code, problem)
    if status == "refused":
        return Refused(f"refused: {_words(problem)}", 0)
    return Again("the server could not write it")


def _words(problem: Any) -> str:
    """Give what a problem says, for the spool."""
    return orjson.dumps(problem).decode(errors="replace")[:2000] if problem else ""
