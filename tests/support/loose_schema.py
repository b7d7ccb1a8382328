"""An environment whose schema lets everything pass, as one of an older or newer version might."""

import json
from typing import Any

import yaml

from support.api import Api
from workflow_audit.cli.bundled import bundled
from workflow_audit.local.environment import LocalEnvironment

ANYTHING = {"x-kubernetes-preserve-unknown-fields": True}
POLICIES = "/apis/admissionregistration.k8s.io/v1"
STRICT_POLICIES = (
    "mutatingadmissionpolicybindings/requester-stamp.audit.kubernaut.ai",
    "validatingadmissionpolicybindings/requester-check.audit.kubernaut.ai",
)
"""They look into the spec and refuse what has not the shape that they know."""


def loosen(environment: LocalEnvironment) -> None:
    """Take every rule about the spec out of a prepared environment."""
    (file,) = bundled("crds").glob("*workflowsearches.yaml")
    definition: dict[str, Any] = yaml.safe_load(file.read_text())
    (version,) = definition["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"] = ANYTHING
    for keyword in ("required", "x-kubernetes-validations"):
        del schema[keyword]
    version["selectableFields"] = [{"jsonPath": ".status.phase"}]
    name = definition["metadata"]["name"]
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
    with Api(environment) as api:
        current = api.get(path)
        current["spec"]["versions"] = definition["spec"]["versions"]
        answer = api.request("PUT", path, json.dumps(current).encode())
        assert answer.ok, answer.message
        for policy in STRICT_POLICIES:
            assert api.delete(f"{POLICIES}/{policy}").ok
