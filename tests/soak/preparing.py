"""Namespaces, policies, readers and old events, before it begins; and their end."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import urllib3
from psycopg.types.json import Jsonb

from soak.plan import KEPT, NAMESPACES, OLD, PASSING, SWITCHED, Plan
from support.api import MERGE_PATCH, Api, expected
from support.policies import Policies
from support.reading import a_service_account, let_read_everywhere, stop_reading_everywhere
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.wiring.running import utc_now

OLD_EVENTS, HELD_EVENTS = 500, 20
HELD = "rr-held"
POLICY = "soak"
NEVER = {"matchLabels": {"never": "set"}}

INSERT = """
INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type, event_category,
    event_action, event_outcome, actor_type, actor_id, resource_type, resource_id, resource_name,
    correlation_id, namespace, cluster_id, event_data, event_metadata, retention_days)
VALUES (gen_random_uuid(), %(at)s, %(day)s, 'workflow.catalog.search_completed', 'workflow',
    'search_completed', 'success', 'service', 'holmesgpt-api', 'WorkflowSearch', 'none', 'old',
    %(correlation)s, %(namespace)s, %(cluster)s, '{}', %(metadata)s, 30)
"""


@contextmanager
def namespaces(api: Api) -> Iterator[None]:
    """Make the namespaces; they go at the end."""
    for name in NAMESPACES:
        api.apply(
            f"/api/v1/namespaces/{name}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        )
    try:
        yield
    finally:
        for name in NAMESPACES:
            expected(api.delete(f"/api/v1/namespaces/{name}"))


@contextmanager
def policies(api: Api, plan: Plan, catalogue: str) -> Iterator[None]:
    """Put the policies of all namespaces, and that of the catalogue, in place."""
    hold = {"name": "soak", "reason": "to be kept by the soak", "correlationIds": [HELD]}
    specs: dict[str, Any] = {
        KEPT: {},
        PASSING: {"retention": {"searchTTL": plan.ttl}},
        SWITCHED: {"enabled": True},
        OLD: {"selector": NEVER, "retention": {"days": 30, "legalHolds": [hold]}},
    }
    path = "/apis/audit.kubernaut.ai/v1alpha1/clusterauditpolicies"
    cluster = {
        "apiVersion": "audit.kubernaut.ai/v1alpha1",
        "kind": "ClusterAuditPolicy",
        "metadata": {"name": POLICY},
        "spec": {"catalogue": {"url": catalogue}},
    }
    api.apply(f"{path}/{POLICY}", cluster)
    try:
        for namespace, spec in specs.items():
            Policies(api, namespace).apply(POLICY, **spec)
        yield
    finally:
        expected(api.delete(f"{path}/{POLICY}"))


def change_policy(api: Api, namespace: str, spec: dict[str, Any]) -> bool:
    """Change some fields of the policy of a namespace; tells whether the API server did it."""
    path = f"{Policies(api, namespace).path}/{POLICY}"
    try:
        return api.request("PATCH", path, {"spec": spec}, MERGE_PATCH).ok
    except urllib3.exceptions.HTTPError:
        return False


@contextmanager
def auditor(api: Api) -> Iterator[tuple[str, str]]:
    """Give the name and the token of somebody who may read everything."""
    user, token = a_service_account(api, KEPT, "auditor")
    let_read_everywhere(api, user)
    try:
        yield user, token
    finally:
        stop_reading_everywhere(api, user)


def make_old_events(environment: LocalEnvironment, cluster_id: str) -> None:
    """Write events that retention has to remove, and some that a legal hold keeps."""
    at = utc_now() - timedelta(days=100)
    with psycopg.connect(environment.postgres.superuser_url) as connection:
        connection.execute("SELECT audit_ensure_partition(%s)", [at.date()])
        for count, correlation in ((OLD_EVENTS, "rr-old"), (HELD_EVENTS, HELD)):
            values = {
                "at": at,
                "day": at.date(),
                "correlation": correlation,
                "namespace": OLD,
                "cluster": cluster_id,
                "metadata": Jsonb({"policy": f"AuditPolicy/{POLICY}"}),
            }
            connection.cursor().executemany(INSERT, [values] * count)
