"""A namespace whose statistics are known, and who may count there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from support.api import Api
from support.reader import Done, Reader
from support.reading import (
    ROOT,
    ReadingServer,
    a_namespace,
    a_service_account,
    let_count,
    let_read,
    write,
)
from support.rest import Program
from support.statistics import known_searches
from workflow_audit.models.statistics import Statistic
from workflow_audit.wiring.running import utc_now

ANALYTICS = "/api/v1/audit/analytics"
STATISTICS = [statistic.value for statistic in Statistic]


@dataclass(frozen=True)
class Known:
    """A namespace of known searches, and two who may read and count them."""

    namespace: str
    robot: Program
    """By token."""

    ada: Reader
    """At kubectl and our command line."""

    def raw(self, statistic: str, query: str = "") -> Any:
        """Give the object that the aggregated API gives."""
        path = f"{ROOT}/namespaces/{self.namespace}/auditstatistics/{statistic}{query}"
        return json.loads(self.ada.kubectl("get", "--raw", path))

    def command(self, *arguments: str) -> Done:
        """Run `workflow-audit stats`."""
        return self.ada.run("stats", *arguments)

    def rest(self, statistic: str, **parameters: Any) -> Any:
        """Give what REST gives for the namespace."""
        path = f"{ANALYTICS}/{statistic}"
        answer = self.robot.get(path, **({"namespace": self.namespace} | parameters))
        assert answer.status == 200, answer.body
        return answer.body


def known_namespace(server: ReadingServer, api: Api) -> Known:
    """Make one."""
    namespace = a_namespace(api)
    user, token = a_service_account(api, namespace, "robot")
    let_read(api, namespace, user)
    name = f"ada-of-{namespace}"
    let_read(api, namespace, name)
    let_count(api, namespace, name)
    now = (utc_now() - timedelta(hours=1)).replace(microsecond=0)
    write(server.environment, known_searches(namespace, now))
    ada = Reader.named(server.environment, name)
    return Known(namespace, Program(server, user, token), ada)


def camel(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row of REST as the aggregated API has it."""
    return {
        re.sub("_(.)", lambda found: found[1].upper(), name): value
        for name, value in row.items()
        if value is not None
    }
