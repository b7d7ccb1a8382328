"""An unrelated aggregated API that is down, such as a metrics server, is not our business."""

import pytest

from support.api import Api
from support.eventually import eventually
from support.operator_process import StartOperator
from support.searches import Searches, bundled_specs

pytestmark = [pytest.mark.cluster, pytest.mark.database]

SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
NAME = "v1beta1.nobody.example.com"


def test_operator_works_beside_an_api_that_is_down(
    searches: Searches, api: Api, start_operator: StartOperator
) -> None:
    api.apply(
        f"{SERVICES}/{NAME}",
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": NAME},
            "spec": {
                "group": "nobody.example.com",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "service": {"namespace": "default", "name": "nobody"},
            },
        },
    )
    try:
        path = "/apis/nobody.example.com/v1beta1"
        eventually(lambda: api.request("GET", path).status, until=lambda status: status == 503)
        operator = start_operator().wait_ready()
        searches.create(bundled_specs()[:20])
        searches.wait_recorded(20)
        assert operator.terminate() == 0
    finally:
        api.delete(f"{SERVICES}/{NAME}")
