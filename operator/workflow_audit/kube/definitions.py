"""The definitions of our resources in a cluster: brought from one version to the next."""

from typing import Any

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.objects import FIELD_MANAGER, find
from workflow_audit.models.resource import DEFINITION

Json = dict[str, Any]


async def upgrade_definition(api: ApiServer, wanted: Json) -> bool:
    """Put the spec of a definition into the place of the present one; tells whether it changed.

    Not by server-side apply: whoever installed the definition owns its versions, so there would be
    a conflict; and forced, what only they own would stay.

    Args:
        api: as an identity that may get and update it.
        wanted: the definition as a manifest.

    Raises:
        ClusterError: it is not there, the API server refuses, or cannot be reached.
    """
    name = wanted["metadata"]["name"]
    present = await find(api, DEFINITION, None, name)
    if present is None:
        raise ClusterError(
            f"{DEFINITION.kind}/{name} is not there, so it cannot be upgraded; "
            "install it with `workflow-audit crds | kubectl apply --server-side -f -`"
        )
    body = present | {"spec": wanted["spec"]}
    path = DEFINITION.path(None, name)
    updated = await api.ask(
        f"upgrading {DEFINITION.kind}/{name}",
        "PUT",
        path,
        query={"fieldManager": FIELD_MANAGER},
        body=body,
    )
    # The generation rises with every write of a definition, even where nothing in it is other.
    return bool(updated["spec"] != present["spec"])
