"""Label selectors, as the Kubernetes API understands them."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from workflow_audit.models.base import ATOMIC, Model, cel_rules

LABEL = "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
LABEL_VALUE = "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"

LabelKey = Annotated[str, Field(max_length=317, pattern=LABEL)]
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE)]

LABELS_RULE = cel_rules(
    (
        f"self.all(key, size(key) <= 317 && key.matches('{LABEL}'))",
        "a label key is a name of at most 63 characters, perhaps behind a DNS name and a slash",
    )
)


class LabelRequirement(Model):
    """One demand on a label."""

    model_config = ConfigDict(
        json_schema_extra=cel_rules(
            (
                "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
                "values belong to In and NotIn, and to these alone",
                ".values",
            )
        )
    )

    key: LabelKey
    """Key of the label."""

    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """In: the label is there with one of the values. NotIn: it is not there, or with another value.
    Exists and DoesNotExist ask for the key alone."""

    values: list[LabelValue] = Field(default_factory=list, max_length=32)
    """Values for In and NotIn."""


class LabelSelector(Model):
    """Objects by their labels: all demands must be met, and without any demand all are meant."""

    model_config = ConfigDict(json_schema_extra=ATOMIC)

    match_labels: Annotated[
        dict[str, LabelValue], Field(max_length=16, json_schema_extra=LABELS_RULE)
    ] = Field(default_factory=dict)
    """Labels that must be there with exactly these values."""

    match_expressions: list[LabelRequirement] = Field(default_factory=list, max_length=16)
    """Further demands."""
