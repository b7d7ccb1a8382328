#!/usr/bin/env python3
"""A search of the workflow catalogue that is audited in three lines; nothing of HolmesGPT is here.

The audit neither delays nor fails a search: it is told what came of it, and sends that later.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from workflow_audit.client import AuditClient

PATH = "/api/v1/workflows/search"
TIMEOUT_SECONDS = 5.0
SHOWN_CHARACTERS = 300

EXAMPLES = """
examples:
  python examples/holmesgpt/workflow_search.py --catalogue http://127.0.0.1:8099 \\
      --remediation rr-2026-004 --filter signal-type=OOMKilled "OOMKilled critical"

The audit is set up by the environment: KUBECONFIG, or data_storage_audit_url.
"""


class CatalogueError(Exception):
    """The catalogue did not answer as a catalogue does."""


@dataclass(frozen=True)
class WorkflowCatalogue:
    """Where workflows are searched, and who hears of it."""

    url: str
    audit: AuditClient
    token_file: Path | None = None
    """With the catalogue's bearer token; read at each search, because tokens are replaced."""

    def search(
        self,
        query: str,
        *,
        remediation_id: str,
        filters: Mapping[str, str] | None = None,
        top_k: int = 3,
    ) -> dict[str, Any]:
        """Give the catalogue's answer; whatever comes of it is recorded.

        Raises:
            requests.RequestException: there is none.
            CatalogueError: it is none.
        """
        filters = dict(filters or {})
        asked: dict[str, Any] = {"query": query, "filters": dict(filters or {}), "top_k": top_k}
        with self.audit.search(correlation_id=remediation_id, **asked) as search:
            search.response = self._ask({**asked, "remediation_id": remediation_id})
        return answer_of(search.response)

    def _ask(self, body: dict[str, Any]) -> Any:
        headers = {}
        if self.token_file:
            token = self.token_file.read_text(encoding="utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        response = requests.post(
            self.url.rstrip("/") + PATH,
            json=body,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,  # the token would go where nobody wanted it
        )
        if response.status_code != requests.codes.ok:
            said = (
                f"the catalogue answers {response.status_code}: {response.text[:SHOWN_CHARACTERS]}"
            )
            raise requests.HTTPError(said, response=response)
        return response.json()


def answer_of(response: Any) -> dict[str, Any]:
    """Give a catalogue's answer as one.

    Raises:
        CatalogueError: it is none.
    """
    if not isinstance(response, dict) or not isinstance(response.get("workflows"), list):
        raise CatalogueError("the answer lists no workflows")
    return response


def main() -> None:
    """Search once, from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("query", help="what to look for")
    parser.add_argument("--catalogue", default=os.environ.get("CATALOGUE_URL"), help="its URL")
    parser.add_argument("--remediation", default="rr-by-hand", help="remediation request it is for")
    parser.add_argument("--filter", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--top-k", type=int, default=3)
    given = parser.parse_args()
    if not given.catalogue:
        parser.error("give --catalogue, or set CATALOGUE_URL")
    filters = dict(pair.split("=", 1) for pair in given.filter)
    with AuditClient.from_env() as audit:  # its end waits until the search is sent
        try:
            answer = WorkflowCatalogue(given.catalogue, audit).search(
                given.query, remediation_id=given.remediation, filters=filters, top_k=given.top_k
            )
        except (requests.RequestException, CatalogueError) as error:
            sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
