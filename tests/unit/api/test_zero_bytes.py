"""PostgreSQL's texts have no zero byte: a parameter with one is refused by its name, everywhere."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from workflow_audit.api.analytics_parameters import PARAMETERS, kubernetes_query
from workflow_audit.api.auditevents import event_query
from workflow_audit.api.rest_parameters import (
    EventParameters,
    FilterParameters,
    NamespaceParameters,
)
from workflow_audit.domain.cursor import unverified_beginning
from workflow_audit.domain.selectors import FIELDS, LABELS
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.statistics import Statistic

NOW = datetime(2026, 11, 24, 10, 31, 7, tzinfo=UTC)
BAD = "a\0b"
MODELS = {EventParameters, FilterParameters, NamespaceParameters, *PARAMETERS.values()}
OF_REST = [
    pytest.param(model, name, id=f"{model.__name__}-{name}")
    for model in sorted(MODELS, key=lambda each: each.__name__)
    for name in model.model_fields
    if name != "cursor"
]


@pytest.mark.parametrize(("model", "name"), OF_REST)
def test_of_rest(model: type[BaseModel], name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        model.model_validate({name: BAD})
    assert {finding["loc"][0] for finding in refused.value.errors()} == {name}


def test_of_rest_a_cursor() -> None:
    with pytest.raises(InvalidFieldError, match=r"^cursor: "):
        unverified_beginning(BAD, "cursor")


@pytest.mark.parametrize("statistic", Statistic)
def test_of_statistics_in_the_kubernetes_api(statistic: Statistic) -> None:
    with pytest.raises(InvalidFieldError, match=r"^namespace: .* has a zero byte"):
        kubernetes_query(statistic, BAD, {}, NOW)
    for name in ("since", "until", "workflowId", "bucket", "limit", "unknown"):
        with pytest.raises(InvalidFieldError, match=f"^{name}: "):
            kubernetes_query(statistic, "payments", {name: BAD}, NOW)


@pytest.mark.parametrize(
    ("namespace", "parameters", "named"),
    [
        pytest.param(BAD, {}, "namespace", id="namespace"),
        *(
            pytest.param(None, {"fieldSelector": f"{key}={BAD}"}, f"fieldSelector {key}", id=key)
            for key in ("metadata.namespace", *FIELDS)
        ),
        *(
            pytest.param(None, {"labelSelector": f"{key}={BAD}"}, "labelSelector", id=key)
            for key in LABELS
        ),
        *(pytest.param(None, {name: BAD}, name, id=name) for name in ("since", "until")),
    ],
)
def test_of_events_in_the_kubernetes_api(
    namespace: str | None, parameters: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidFieldError) as refused:
        event_query(parameters, namespace, NOW)
    assert refused.value.path == named
