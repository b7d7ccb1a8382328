"""All about policies: what tells of them, what they ask for, and who brings it into place."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from workflow_audit import metrics
from workflow_audit.domain.children import Child, access_children, alert_rules, dashboard
from workflow_audit.domain.children.child import owner_key, owner_uid
from workflow_audit.domain.conditions import READY
from workflow_audit.domain.policies import KnownPolicies
from workflow_audit.domain.readiness import Aspect
from workflow_audit.domain.retention import dry_run_policies
from workflow_audit.errors import PoliciesUnknownError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.managed import ManagedObjects
from workflow_audit.kube.policies import PolicyObjects
from workflow_audit.kube.searches import done_searches, remove_search
from workflow_audit.kube.tokens import CatalogueTokens
from workflow_audit.models.policy import Policy, PolicyKey
from workflow_audit.models.resource import CHILD_RESOURCES, MANAGED_BY, MANAGER
from workflow_audit.services.policy_book import PolicyBook, key_of
from workflow_audit.services.reconciling import PolicyReconciler
from workflow_audit.services.search_ttl import SearchTtl
from workflow_audit.services.work_queue import WorkQueue
from workflow_audit.settings.loading import Settings
from workflow_audit.wiring.catalogue import catalogue_state
from workflow_audit.wiring.retention import RetentionDatabase, open_retention

Json = dict[str, Any]


@dataclass(frozen=True)
class Policies:
    """What the rest needs of the policies."""

    book: PolicyBook
    tasks: tuple[Callable[[], Awaitable[None]], ...]
    """What has to run for as long as the process."""

    problem: Callable[[], Awaitable[str | None]]
    """For readiness: why policies are not known, or may be out of date."""


def open_policies(
    settings: Settings,
    api: ApiServer,
    clock: Callable[[], datetime],
    retention_database: RetentionDatabase,
    tokens: CatalogueTokens,
) -> Policies:
    """Build it; nothing runs yet.

    Args:
        settings: all of them.
        api: where policies are.
        clock: gives the present instant.
        retention_database: where old events are removed.
        tokens: by which catalogues know the operator.
    """
    book = PolicyBook(enabled=settings.operator.enabled)
    queue: WorkQueue[PolicyKey] = WorkQueue()

    ttl = SearchTtl(
        policies=book,
        done=partial(done_searches, api),
        remove=partial(remove_search, api),
        clock=lambda: api.told or clock(),
        removals_per_second=settings.operator.search_removals_per_second,
    )

    def policy_changed(before: Json | None, after: Json | None) -> None:
        book.policy_changed(before, after)
        ttl.policies_changed()
        retention.policies_changed()
        if present := after or before:
            queue.add(key_of(present))

    def object_changed(item: Json) -> None:
        if key := owner_key(item):
            queue.add(key)

    def look_at_all() -> None:
        for policy in book.policies():
            queue.add(policy.key)

    policies = PolicyObjects(api, policy_changed, book.namespace_changed)
    book.follow(policies.known)
    managed = ManagedObjects(
        api,
        CHILD_RESOURCES,
        label_selector=f"{MANAGED_BY}={MANAGER}",
        owner_uid=owner_uid,
        changed=object_changed,
        served_changed=look_at_all,
    )
    retention = open_retention(
        settings.retention,
        retention_database,
        policies=partial(_surely_known, policies, book),
        policies_are_known=book.wait_until_known,
        dry_runs=lambda: dry_run_policies(book.policies()),
        changed=look_at_all,
        clock=clock,
    )
    reconciler = PolicyReconciler(
        policy=book.get,
        objects=managed,
        policies=policies,
        wanted=partial(wanted_children, home=settings.operator.namespace),
        retention=retention.status,
        catalogue=partial(catalogue_state, tokens),
        clock=clock,
    )
    _count_by_readiness(policies)

    async def problem() -> str | None:
        return policies.problem

    return Policies(
        book=book,
        tasks=(
            policies.run,
            managed.run,
            partial(queue.run, reconciler.reconcile),
            ttl.run,
            *retention.tasks,
        ),
        problem=problem,
    )


def _surely_known(policies: PolicyObjects, book: PolicyBook) -> KnownPolicies:
    if policies.problem:
        raise PoliciesUnknownError(f"policies may be out of date: {policies.problem}")
    return book.everything()


def wanted_children(policy: Policy, home: str) -> Iterable[tuple[Aspect, Child]]:
    """Give all objects that a policy asks for.

    Args:
        policy: whose they are.
        home: where those of a cluster policy go that are not cluster-wide.
    """
    for child in access_children(policy):
        yield "Access", child
    namespace = policy.key.namespace or home
    if rules := alert_rules(policy, namespace):
        yield "Alerts", rules
    if shown := dashboard(policy, namespace):
        yield "Dashboard", shown


def _count_by_readiness(policies: PolicyObjects) -> None:
    def count(*, ready: bool) -> int:
        return sum(_is_ready(body) == ready for body in policies.bodies())

    metrics.POLICIES.labels("true").set_function(partial(count, ready=True))
    metrics.POLICIES.labels("false").set_function(partial(count, ready=False))


def _is_ready(body: Json) -> bool:
    conditions = body.get("status", {}).get("conditions", [])
    return any(each["type"] == READY and each["status"] == "True" for each in conditions)
