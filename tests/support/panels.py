"""The panels of a dashboard and their queries, as Prometheus gets them."""

from collections.abc import Iterator
from typing import Any

import orjson

Json = dict[str, Any]

VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$job": "audit"}
"""What Grafana puts into a query."""


def document(config_map: Json) -> Json:
    """Give the dashboard in a config map."""
    (text,) = config_map["data"].values()
    found: Json = orjson.loads(text)
    return found


def panels(dashboard: Json) -> list[Json]:
    """Give all panels but the headings of rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries(dashboard: Json) -> Iterator[tuple[str, str]]:
    """Give panel title and expression of every query, with Grafana's variables filled in."""
    for panel in panels(dashboard):
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            yield panel["title"], expression
