"""Named SQL: the statements stand in .sql files and are called by name.

A block begins with `-- name: x` and ends at the next one. Comment lines are dropped, because
psycopg would take a placeholder in one for a real one.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

_HEAD = re.compile(r"^-- name: (\S+)$")


def named_blocks(text: str) -> Mapping[str, bytes]:
    """Give the statements of a file by name; bytes, because psycopg takes no computed str.

    Raises:
        ValueError: for a name used twice, an empty block, or SQL before the first name.
    """
    blocks: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in text.splitlines():
        if head := _HEAD.match(line):
            name = head.group(1)
            if name in blocks:
                raise ValueError(f"the SQL block {name} stands there twice")
            lines = blocks[name] = []
        elif line.strip() and not line.lstrip().startswith("--"):
            if lines is None:
                raise ValueError(f"SQL before the first name: {line.strip()}")
            lines.append(line)
    for name, body in blocks.items():
        if not body:
            raise ValueError(f"the SQL block {name} is empty")
    return MappingProxyType({name: "\n".join(body).encode() for name, body in blocks.items()})


def _blocks_of(name: str) -> Mapping[str, bytes]:
    return named_blocks(files(__package__).joinpath(name).read_text(encoding="utf-8"))


QUERIES = _blocks_of("queries.sql")
"""The blocks of queries.sql."""

RETENTION = _blocks_of("retention.sql")
"""The blocks of retention.sql."""

READING = _blocks_of("reading.sql")
"""The blocks of reading.sql."""

ANALYTICS = _blocks_of("analytics.sql")
"""The blocks of analytics.sql."""

VERIFYING = _blocks_of("verifying.sql")
"""The blocks of verifying.sql."""
