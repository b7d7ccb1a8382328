"""A program that reads audit events by REST, and the problems that it meets."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from support.reading import Answered, ReadingServer

EVENTS = "/api/v1/audit/events"
PROBLEMS = "https://kubernaut.ai/problems/"


@dataclass(frozen=True)
class Program:
    """A service account that asks with its token."""

    server: ReadingServer
    user: str
    token: str = field(repr=False)

    def get(self, path: str = EVENTS, *headers: tuple[str, str], **parameters: Any) -> Answered:
        query = f"?{urlencode(parameters)}" if parameters else ""
        bearer = ("Authorization", f"Bearer {self.token}")
        answer = self.server.get(f"{path}{query}", [bearer, *headers])
        assert answer.headers["Cache-Control"] == "no-store"
        return answer

    def listed(self, **parameters: Any) -> list[str]:
        """Give the correlation ids of one page."""
        answer = self.get(**parameters)
        assert answer.status == 200, answer.body
        return [item["correlation_id"] for item in answer.body["data"]]

    def pages(self, **parameters: Any) -> Iterator[Any]:
        """Give all pages by cursor."""
        page = self.get(**parameters).body
        yield page
        while cursor := page["pagination"]["next_cursor"]:
            page = self.get(**parameters, cursor=cursor).body
            yield page


def problem(answer: Answered, status: int, slug: str, field: str | None = None) -> str:
    """Insist on a problem; gives its detail."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["type"] == f"{PROBLEMS}{slug}"
    assert answer.body["status"] == status
    assert answer.body.get("field") == field
    assert answer.body["title"]
    return str(answer.body["detail"])
