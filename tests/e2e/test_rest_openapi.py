"""The OpenAPI document of REST is complete and true: the server is asked all that it allows."""

from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from support.api import Api
from support.reading import (
    TYPE,
    ReadingServer,
    a_service_account,
    an_event,
    let_read_everywhere,
    write,
)
from support.rest import EVENTS
from support.submitting import BATCH, a_submission, let_send
from workflow_audit.local.ports import HOST
from workflow_audit.models.statistics import Statistic
from workflow_audit.store.reader import COLUMNS

NAMESPACE = "rest-schema"
STATISTICS = [f"/api/v1/audit/analytics/{statistic}" for statistic in Statistic]

EXPORT = f"{EVENTS}/export"
PATHS = (EXPORT, EVENTS, f"{EVENTS}/{{event_id}}", *STATISTICS)
SENT_TO = (EVENTS, BATCH)

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]


@pytest.fixture(scope="module")
def token(server: ReadingServer, api: Api) -> str:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api.apply(f"/api/v1/namespaces/{NAMESPACE}", body)
    other = an_event(NAMESPACE, 9, event_type="other", event_data={"a": [1]}, event_metadata={})
    write(server.environment, [*(an_event(NAMESPACE, n) for n in range(5)), other])
    user, token = a_service_account(api, NAMESPACE, "robot")
    let_read_everywhere(api, user)
    let_send(api, NAMESPACE, user)
    return token


def test_openapi_is_for_everybody_and_says_it_all(server: ReadingServer) -> None:
    answer = server.get("/openapi.json")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    paths = answer.body["paths"]
    exporting, listing, getting, *statistics = (paths[path]["get"] for path in PATHS)
    assert set(paths) == {*PATHS, *SENT_TO}
    always = {"200", "400", "401", "403", "429", "500", "503"}
    for operation in (exporting, *statistics):
        assert set(operation["responses"]) == always
    assert set(listing["responses"]) == always | {"410"}
    assert set(getting["responses"]) == always | {"304", "404"}
    assert set(exporting["responses"]["200"]["content"]) == {"application/x-ndjson"}
    for operation in (exporting, listing, getting, *statistics):
        assert all(parameter["schema"] for parameter in operation["parameters"])
        assert all(parameter.get("description") for parameter in operation["parameters"])
    properties = answer.body["components"]["schemas"]["Event"]["properties"]
    assert set(properties) == {*COLUMNS, "event_data", "event_metadata"}
    assert all(field.get("description") for field in properties.values())


def test_openapi_says_what_may_be_sent(server: ReadingServer) -> None:
    document = server.get("/openapi.json").body
    single, batch = (document["paths"][path]["post"] for path in SENT_TO)
    always = {"200", "201", "400", "401", "403", "404", "408", "413", "415", "429", "500", "503"}
    assert set(single["responses"]) == always | {"409"}
    assert set(batch["responses"]) == always | {"207"}
    assert [each["name"] for each in single["parameters"]] == ["Idempotency-Key"]
    schemas = document["components"]["schemas"]
    submitted = {name for name in schemas if name.startswith("Submitted")}
    assert len(submitted) > 5
    for name in submitted:
        for field in schemas[name]["properties"].values():
            assert field.get("description") or "$ref" in field
        assert "x-kubernetes" not in str(schemas[name])
    assert schemas["SubmittedEvent"]["required"] == [
        "version", "event_type", "event_timestamp", "event_category", "event_action",
        "event_outcome", "correlation_id", "event_data",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def rest_schema(server: ReadingServer) -> schemathesis.BaseSchema:
    document = server.get("/openapi.json").body
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"https://{HOST}:{server.port}")
    return schema


def test_recorded_events_are_as_the_document_says(
    rest_schema: schemathesis.BaseSchema, server: ReadingServer, token: str
) -> None:
    def asked(path: str, **parts: dict[str, str]) -> Any:
        case = rest_schema[path]["GET"].Case(**parts)
        return case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            verify=str(server.environment.control_plane.ca_file),
        ).json()

    listed = asked(EVENTS, query={"namespace": NAMESPACE})["data"]
    assert {event["event_type"] for event in listed} == {TYPE, "other"}
    for event in listed:
        path = {"event_id": event["event_id"]}
        assert asked(f"{EVENTS}/{{event_id}}", path_parameters=path) == event


def _inapplicable(case: schemathesis.Case) -> list[Any]:
    """Leave out the checks that do not fit what is really sent."""
    # No schema says that one time has to be before the other.
    found: list[Any] = [positive_data_acceptance]
    sent = urlsplit(str(requests.Request(**case.as_transport_kwargs()).prepare().url))
    arrives = parse_qs(sent.query, keep_blank_values=True)
    components = case.meta.components.items() if case.meta else ()
    wrong = {where for where, how in components if how.mode is GenerationMode.NEGATIVE}
    if set(case.query or ()) - set(arrives) or wrong <= {ParameterLocation.HEADER}:
        # What is wrong may not arrive: `{"x": []}` is nothing in a URL, whatever stands beside it,
        # and the token that was left out is ours to give.
        found.append(negative_data_rejection)
    return found


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_as_the_document_says(
    rest_schema: schemathesis.BaseSchema,
    server: ReadingServer,
    token: str,
    path: str,
    mode: GenerationMode,
) -> None:
    answered: Counter[int] = Counter()

    # Derandomized: what is asked changes with the document, and not from run to run.
    @settings(
        max_examples=60 if path in STATISTICS else 200,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=rest_schema[path]["GET"].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        if mode == GenerationMode.POSITIVE:
            case.query.pop("cursor", None)  # nobody can make one up
            if path == EXPORT:
                case.query["namespace"] = NAMESPACE  # not all that other tests have written
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            verify=str(server.environment.control_plane.ca_file),
            excluded_checks=_inapplicable(case),
        )
        answered[answer.status_code] += 1

    ask()
    if mode == GenerationMode.POSITIVE:
        assert answered[404 if "{" in path else 200] > 10, answered
    else:
        assert answered[400] > 10, answered


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", SENT_TO)
def test_every_answer_to_what_is_sent_is_as_the_document_says(
    rest_schema: schemathesis.BaseSchema,
    server: ReadingServer,
    token: str,
    path: str,
    mode: GenerationMode,
) -> None:
    answered: Counter[int] = Counter()
    # In a batch each event is refused by itself, and the answer is 207.
    of_each = [negative_data_rejection] if path == BATCH else []

    @settings(
        max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=rest_schema[path]["POST"].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            verify=str(server.environment.control_plane.ca_file),
            excluded_checks=_inapplicable(case) + of_each,
        )
        answered[answer.status_code] += 1

    ask()
    assert answered[400] + answered[207] > 10, answered


def test_what_is_sent_as_the_document_says_is_taken(
    rest_schema: schemathesis.BaseSchema, server: ReadingServer, token: str
) -> None:
    for path, body in ((EVENTS, a_submission()), (BATCH, [a_submission(), a_submission()])):
        case = rest_schema[path]["POST"].Case(body=body, media_type="application/json")
        answer = case.call_and_validate(
            headers={"Authorization": f"Bearer {token}"},
            verify=str(server.environment.control_plane.ca_file),
        )
        assert answer.status_code == 201
