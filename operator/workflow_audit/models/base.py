"""The base of all models: frozen, camelCase outside, docstrings as descriptions.

The docstring below a field is the field's description in the CRD, so it is what
`kubectl explain` and the API reference show. Unknown fields are ignored: the API server
prunes them anyway, and a newer client may know more than we do.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A number from 0 to 1, both included."""

ScorePart = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]
"""What labels add or take away, written as a positive number; 10 is beyond any real weight."""


class Model(BaseModel):
    """A frozen value; snake_case in Python, camelCase in Kubernetes."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


CelRule = tuple[str, str] | tuple[str, str, str]


def cel_rules(*rules: CelRule) -> dict[str, JsonValue]:
    """Give rules that the API server itself enforces, for `json_schema_extra`.

    Args:
        rules: each a CEL expression, the message when it does not hold and, where the message
            is to point at a field of the object, that field's path.
    """
    names = ("rule", "message", "fieldPath")
    return {"x-kubernetes-validations": [dict(zip(names, rule, strict=False)) for rule in rules]}


ATOMIC: dict[str, JsonValue] = {"x-kubernetes-map-type": "atomic"}
"""For `json_schema_extra` of an object that is only ever written as a whole.

The API server then notes one owner of the object and not one of each field in it. These notes
(managedFields) would be as large as a search, and are read, compared and written at every change.
"""

LABEL_KEY = "^[A-Za-z0-9._/-]{1,63}$"

KEY_RULE = cel_rules(
    (
        f"self.all(key, key.matches('{LABEL_KEY}'))",
        "a label key must have 1 to 63 letters, digits or . _ / -",
    )
)
"""Schemas cannot bound the keys of a map; without this one key could be 1 MB long."""
