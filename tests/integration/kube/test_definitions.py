"""Definitions are brought from one version to the next on a real API server."""

import pytest

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.definitions import upgrade_definition
from workflow_audit.local.environment import LocalEnvironment

pytestmark = pytest.mark.cluster


async def test_one_that_is_not_there_is_named_with_the_remedy(
    prepared_environment: LocalEnvironment,
) -> None:
    wanted = {"metadata": {"name": "nothings.audit.kubernaut.ai"}, "spec": {}}
    async with ApiServer(prepared_environment.kubeconfig) as api:
        with pytest.raises(ClusterError, match=r"workflow-audit crds \| kubectl apply") as refused:
            await upgrade_definition(api, wanted)
    assert "CustomResourceDefinition/nothings.audit.kubernaut.ai is not there" in str(refused.value)
