"""Parameters of a request, checked; each error names the parameter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from workflow_audit.api.tables import IncludeObject
from workflow_audit.domain.resource_versions import position_of
from workflow_audit.errors import InvalidFieldError

_TABLE = re.compile(r"application/json\s*;[^,]*\bas=Table\b")


@dataclass(frozen=True)
class Shape:
    """How an answer of the Kubernetes API is written."""

    as_table: bool
    include: IncludeObject

    @classmethod
    def of(cls, request: Request) -> "Shape":
        """Read what kubectl asks for.

        Raises:
            InvalidFieldError: names `includeObject`.
        """
        include = request.query_params.get("includeObject", "") or "Metadata"
        if include not in {"None", "Metadata", "Object"}:
            remedy = "give None, Metadata or Object"
            raise InvalidFieldError("includeObject", include, "is not known", remedy)
        accepted = request.headers.get("accept", "")
        return cls(bool(_TABLE.search(accepted)), include)  # type: ignore[arg-type]


def flag(parameters: Mapping[str, str], name: str) -> bool:
    """Give a parameter that is true or false."""
    return parameters.get(name, "").lower() in {"1", "t", "true"}


def whole_number(parameters: Mapping[str, str], name: str, default: int) -> int:
    """Give a parameter that is a whole number.

    Raises:
        InvalidFieldError: it is none.
    """
    text = parameters.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InvalidFieldError(name, text, "is no whole number", "give 0 or more, or leave it out")
    return int(text)


def watched_from(parameters: Mapping[str, str]) -> int | None:
    """Give the position behind which a watch begins; None is now.

    Raises:
        InvalidFieldError: names `resourceVersion`.
    """
    return position_of(whole_number(parameters, "resourceVersion", 0))


def listed_up_to(parameters: Mapping[str, str]) -> int | None:
    """Give the position behind which a list shows nothing; None is the newest.

    Raises:
        InvalidFieldError: names `resourceVersion` or `resourceVersionMatch`.
    """
    match, position = parameters.get("resourceVersionMatch", ""), watched_from(parameters)
    if match not in {"", "Exact", "NotOlderThan"}:
        remedy = "give Exact or NotOlderThan, or leave it out"
        raise InvalidFieldError("resourceVersionMatch", match, "is not known", remedy)
    if match == "Exact" and position is None:
        given, remedy = parameters.get("resourceVersion", ""), "give that of an earlier list"
        raise InvalidFieldError("resourceVersion", given, "is not exact", remedy)
    return position if match == "Exact" else None
