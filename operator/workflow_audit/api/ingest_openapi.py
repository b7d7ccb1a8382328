"""OpenAPI of what programs send: made of the models, which know more than FastAPI can be told."""

from typing import Any

from workflow_audit.models.submission import KEY_PATTERN, MOST_EVENTS, Submission

Json = dict[str, Any]

EVENT_NAME = "SubmittedEvent"
_REFERENCE = "#/components/schemas/Submitted{model}"
_REFERENCE_OF_EVENT = {"$ref": f"#/components/schemas/{EVENT_NAME}"}


def _body(schema: Json) -> Json:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


EVENT: Json = {
    "requestBody": _body(_REFERENCE_OF_EVENT),
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "Names the search: sent again with the same key, it is one event; 409"
            " where it names another one already.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": KEY_PATTERN,
            },
        }
    ],
}

BATCH: Json = {
    "requestBody": _body(
        {
            "type": "array",
            "items": _REFERENCE_OF_EVENT,
            "minItems": 1,
            "maxItems": MOST_EVENTS,
        }
    )
}


def submission_schemas() -> Json:
    """Give the schemas of what is sent, by their names."""
    event = Submission.model_json_schema(by_alias=False, ref_template=_REFERENCE)
    parts = event.pop("$defs")
    named = {f"Submitted{name}": part for name, part in parts.items()}
    found: Json = _without_kubernetes({EVENT_NAME: event, **named})
    return found


def _without_kubernetes(schema: Any) -> Any:
    """Leave out what only the API server understands."""
    if isinstance(schema, dict):
        return {
            name: _without_kubernetes(part)
            for name, part in schema.items()
            if not name.startswith("x-kubernetes-")
        }
    if isinstance(schema, list):
        return [_without_kubernetes(part) for part in schema]
    return schema
