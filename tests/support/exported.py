"""What the operator exports, as PromQL sees it, and what an expression takes for granted."""

import re

from workflow_audit import metrics

SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
}
OF_EVERY_TARGET = {"instance", "job", "pod"}
"""Labels that Prometheus adds to all that it scrapes."""

_NAME = re.compile(r"workflow_audit_\w+")
_SELECTOR = re.compile(r"(workflow_audit_\w+)\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def series() -> dict[str, set[str]]:
    """Give the labels of every exported series by its name."""
    found = {}
    for collector in metrics.REGISTRY._collector_to_names:
        family = next(iter(collector.describe()), None) or next(iter(collector.collect()))
        labels = set(getattr(collector, "_labelnames", ()))
        for suffix in SUFFIXES[family.type]:
            more = {"_bucket": {"le"}, "_info": {"version"}}.get(suffix, set())
            found[family.name + suffix] = labels | more
    return found


def unknown_in(expression: str) -> set[str]:
    """Give the metrics and labels that an expression names and nobody exports."""
    exported = series()
    names = set(_NAME.findall(expression))
    unknown = names - exported.keys()
    for name, matchers in _SELECTOR.findall(expression):
        known = exported.get(name, set()) | OF_EVERY_TARGET
        unknown |= {f"{name}{{{each}}}" for each in set(_MATCHER.findall(matchers)) - known}
    known = OF_EVERY_TARGET.union(*(exported.get(name, set()) for name in names))
    for listed in _GROUPING.findall(expression):
        unknown |= set(re.findall(r"\w+", listed)) - known
    return unknown
