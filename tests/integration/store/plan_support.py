"""Plans of PostgreSQL as text that changes only when a plan does.

Partitions lose their month, and those that are read in the same way are told once, with how many
they are.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import psycopg

from workflow_audit.store.reading_statements import Statement

Plan = dict[str, Any]

MONTH = re.compile(r"audit_events_\d{4}_\d{2}")
SOURCES = (("using", "Index Name"), ("on", "Relation Name"), ("on", "Function Name"))
DETAILS = ("Index Cond", "Recheck Cond", "Filter", "Sort Key", "Presorted Key")


def plan(connection: psycopg.Connection[Any], statement: Statement) -> Plan:
    """The plan for these very values."""
    text = statement.sql.as_string(connection)
    found = connection.execute(
        f"EXPLAIN (COSTS OFF, FORMAT JSON) {text}".encode(), statement.parameters
    )
    return _only(found)


def generic_plan(connection: psycopg.Connection[Any], statement: Statement) -> Plan:
    """The plan for whatever values, which a statement that is prepared may come to have."""
    text = statement.sql.as_string(connection)
    for number, name in enumerate(statement.parameters, 1):
        text = text.replace(f"%({name})s", f"${number}")
    return _only(connection.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}".encode()))


def _only(cursor: psycopg.Cursor[Any]) -> Plan:
    (((found,),),) = cursor.fetchall()
    return dict(found["Plan"])


def nodes(node: Plan) -> Iterator[Plan]:
    """All steps of a plan."""
    yield node
    for child in node.get("Plans", ()):
        yield from nodes(child)


def kinds(node: Plan) -> set[str]:
    """What kinds of steps there are."""
    return {each["Node Type"] for each in nodes(node)}


def functions(node: Plan) -> set[str]:
    """Which functions are asked."""
    return {name for each in nodes(node) if (name := each.get("Function Name"))}


def partitions(node: Plan) -> list[str]:
    """Which partitions are read, one name for each time."""
    return sorted(name for each in nodes(node) if (name := each.get("Relation Name")))


def as_text(node: Plan, indent: str = "") -> str:
    """A plan for people."""
    lines = [indent + _head(node)]
    lines += [f"{indent}    {name}: {_named(node[name])}" for name in DETAILS if name in node]
    children = (as_text(child, indent + "  ") for child in node.get("Plans", ()))
    for child, same in groupby(children):
        number = len(list(same))
        many = f"{indent}  {number} x " if number > 1 else f"{indent}  "
        lines.append(many + child.removeprefix(indent + "  "))
    return "\n".join(lines)


def _head(node: Plan) -> str:
    parts = [node["Node Type"]]
    if node.get("Scan Direction") == "Backward":
        parts.append("Backward")
    parts += [f"{word} {node[name]}" for word, name in SOURCES if name in node]
    return _named(" ".join(parts))


def _named(text: str | list[str]) -> str:
    joined = ", ".join(text) if isinstance(text, list) else text
    # In conditions and sort keys a partition goes by its alias, which has a number.
    return re.sub(r"\baudit_events(_\d+)?\.", "", MONTH.sub("audit_events_MONTH", joined))
