"""Old events go by their policy, on schedule, once, whoever runs; held and promised ones stay."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from support.api import Api
from support.condition_rules import condition_of
from support.eventually import eventually
from support.operator_process import StartOperator
from support.policies import Policies
from support.searches import Searches, bundled_specs
from workflow_audit.wiring import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

EVERY_MINUTE, ONCE_A_YEAR = "* * * * *", "17 3 1 1 *"
RUN_SECONDS = 120.0
OLD = utc_now() - timedelta(days=100)

INSERT = """
INSERT INTO audit_events (event_id, event_timestamp, event_date, event_type, event_category,
    event_action, event_outcome, actor_type, actor_id, resource_type, resource_id, resource_name,
    correlation_id, namespace, cluster_id, event_data, event_metadata, retention_days)
VALUES (gen_random_uuid(), %(at)s, %(day)s, 'workflow.catalog.search_completed', 'workflow',
    'search_completed', 'success', 'service', 'holmesgpt-api', 'WorkflowSearch', 'none', %(name)s,
    %(correlation)s, %(namespace)s, %(cluster)s, '{}', %(metadata)s, %(days)s)
"""


@pytest.fixture
def own(api: Api, searches: Searches) -> Iterator[Policies]:
    with Policies(api, searches.namespace) as policies:
        yield policies


@pytest.fixture
def old_events(api: Api, searches: Searches) -> Iterator[Any]:
    """Write events of a time when nobody tested this."""
    cluster = api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]

    def write(name: str, count: int, policy: str, days: int = 30, correlation: str = "rr") -> None:
        values = {
            "at": OLD,
            "day": OLD.date(),
            "name": name,
            "correlation": correlation,
            "namespace": searches.namespace,
            "cluster": cluster,
            "metadata": Jsonb({"policy": policy}),
            "days": days,
        }
        with psycopg.connect(searches.environment.postgres.superuser_url) as connection:
            connection.execute("SELECT audit_ensure_partition(%s)", [OLD.date()])
            connection.cursor().executemany(INSERT, [values] * count)

    return write


def left(searches: Searches) -> Counter[str]:
    return Counter(row["resource_name"] for row in searches.rows("resource_name"))


def asked(searches: Searches, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(searches.environment.postgres.superuser_url) as connection:
        return connection.execute(statement.encode(), [searches.namespace]).fetchall()


def retention_of(policies: Policies, name: str) -> dict[str, Any]:
    found: dict[str, Any] = policies.get(name).get("status", {}).get("retention", {})
    return found


def test_what_goes_and_what_stays(
    searches: Searches, own: Policies, old_events: Any, start_operator: StartOperator
) -> None:
    short, dry = "AuditPolicy/short", "AuditPolicy/dry"
    old_events("expired", 30, short)
    old_events("promised-longer", 4, short, days=2555)
    old_events("held", 5, short, correlation="rr-held")
    old_events("dry-run", 10, dry)
    old_events("of-a-policy-that-is-gone", 3, "AuditPolicy/gone")
    before = left(searches)
    hold = {"name": "case-7", "reason": "court order", "correlationIds": ["rr-held"]}
    never = {"matchLabels": {"never": "set"}}
    own.apply("short", selector=never, retention={"days": 30, "legalHolds": [hold]})
    own.apply("dry", selector=never, retention={"days": 30, "dryRun": True})

    operators = [
        start_operator(AUDIT_RETENTION_SCHEDULE=EVERY_MINUTE).wait_ready() for _ in range(2)
    ]
    holds = "SELECT name, reason FROM legal_holds WHERE policy_namespace = %s"
    eventually(lambda: asked(searches, holds) == [("case-7", "court order")])
    searches.create(bundled_specs()[:20])  # recording goes on meanwhile
    eventually(
        lambda: retention_of(own, "dry").get("wouldRemove", {}).get("rows"),
        until=lambda rows: rows == 10,
        within_seconds=RUN_SECONDS,
    )
    del before["expired"]
    eventually(lambda: "expired" not in left(searches))
    new = Counter(item["metadata"]["name"] for item in searches.listed())
    eventually(lambda: left(searches) == before + new)
    removed = "SELECT policy, sum(removed_rows)::int FROM retention_operations"
    where = " WHERE namespace = %s GROUP BY policy"
    assert asked(searches, removed + where) == [(short, 30)]
    policy = own.wait("short", "Scheduled", "Retention")
    assert condition_of(policy, "Ready")["status"] == "True"
    assert datetime.fromisoformat(policy["status"]["retention"]["nextRun"]) > OLD
    for operator in operators:
        assert operator.terminate() == 0

    own.apply("short", selector=never, retention={"days": 30})
    start_operator(AUDIT_RETENTION_SCHEDULE=EVERY_MINUTE).wait_ready()
    eventually(lambda: asked(searches, holds) == [])
    eventually(lambda: "held" not in left(searches), within_seconds=RUN_SECONDS)
    operations = "SELECT DISTINCT operation FROM retention_operations WHERE policy_namespace = %s"
    found = {operation for (operation,) in asked(searches, operations)}
    assert found == {"place_hold", "release_hold", "remove_events"}


def test_a_dry_run_is_counted_within_seconds_of_each_change(
    searches: Searches, own: Policies, old_events: Any, start_operator: StartOperator
) -> None:
    old_events("of-60-days", 8, "AuditPolicy/dry", days=60)
    own.apply("dry", retention={"days": 365})
    for _ in range(2):
        start_operator(AUDIT_RETENTION_SCHEDULE=ONCE_A_YEAR).wait_ready()
    last_run = eventually(lambda: retention_of(own, "dry").get("lastRun"), within_seconds=60)

    def preview() -> tuple[int, int]:
        found = retention_of(own, "dry").get("wouldRemove", {})
        return found.get("generation", 0), found.get("rows", 0)

    own.apply("dry", retention={"days": 365, "dryRun": True})
    eventually(preview, until=lambda found: found == (2, 0), within_seconds=60)
    own.apply("dry", retention={"days": 30, "dryRun": True})
    eventually(preview, until=lambda found: found == (3, 8), within_seconds=60)
    own.apply("dry", retention={"days": 365})
    eventually(preview, until=lambda found: found == (0, 0))
    assert retention_of(own, "dry")["lastRun"] == last_run, "nothing but counting was done"
    assert left(searches) == {"of-60-days": 8}


def test_without_a_login_of_its_own_nothing_goes_and_policies_say_so(
    searches: Searches, own: Policies, old_events: Any, start_operator: StartOperator
) -> None:
    old_events("expired", 3, "AuditPolicy/short")
    own.apply("short", retention={"days": 30})
    start_operator(AUDIT_RETENTION_DATABASE_URL="").wait_ready()
    policy = own.wait("short", "NotConfigured", "Retention")
    assert condition_of(policy, "Ready")["status"] == "True"
    assert left(searches) == {"expired": 3}
