"""Sizes and spans as Kubernetes writes them: 10Mi, 24h."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue

FACTORS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

SIZE_PATTERN = "^[0-9]{1,12}(Ki|Mi|Gi)?$"
SPAN_PATTERN = "^[0-9]{1,6}(s|m|h|d)$"


def size_bytes(value: Any) -> Any:
    """Give the bytes of 16384 or 16Ki; anything else as it is, for the next validator to refuse."""
    if isinstance(value, str) and re.fullmatch(SIZE_PATTERN, value):
        number = value.rstrip("KMGi")
        return int(number) * FACTORS[value.removeprefix(number)]
    return value


def span_seconds(value: str) -> int:
    """Give the seconds of 90s, 5m, 24h or 7d."""
    return int(value[:-1]) * SECONDS[value[-1]]


def size_schema(least: int, most: int) -> dict[str, JsonValue]:
    """Give the schema of a size with its bounds in bytes, a number or a text such as 16Ki."""
    bounds = (
        f"type(self) == int ? self >= {least} && self <= {most} : "
        f"quantity(self).compareTo(quantity('{least}')) >= 0 && "
        f"quantity(self).compareTo(quantity('{most}')) <= 0"
    )
    return {
        "x-kubernetes-int-or-string": True,
        "pattern": SIZE_PATTERN,
        "maxLength": 16,
        "x-kubernetes-validations": [
            {"rule": bounds, "message": f"give {least} to {most} bytes, such as {_example(most)}"}
        ],
    }


def _example(most: int) -> str:
    return "10Mi" if most >= FACTORS["Gi"] else "16Ki"


Size = Annotated[int, BeforeValidator(size_bytes)]
"""Bytes, as a number or as 16Ki; to be annotated further with bounds and `WithJsonSchema`."""

Span = Annotated[str, Field(max_length=7, pattern=SPAN_PATTERN)]
"""A time such as 90s, 5m, 24h or 7d."""
