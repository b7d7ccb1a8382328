"""Which policies there are, and the one that applies to a search; costs no API read."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from workflow_audit.domain.policies import (
    KnownPolicies,
    Subject,
    applying_policy,
    catalogue_policy,
)
from workflow_audit.domain.policy_parsing import parse_policy
from workflow_audit.domain.redaction import redactor
from workflow_audit.errors import (
    NamespaceUnknownError,
    PoliciesUnknownError,
    PolicyInvalidError,
    shown,
)
from workflow_audit.models.policy import (
    DEFAULT_POLICY_NAME,
    AnyPolicy,
    ClusterPolicySpec,
    InvalidPolicy,
    Policy,
    PolicyKey,
    PolicySpec,
)
from workflow_audit.models.search import Metadata
from workflow_audit.services.preparing import ApplyingPolicy
from workflow_audit.services.searching import NamedCatalogue

Json = Mapping[str, Any]


class PolicyBook:
    """All policies and the labels of all namespaces, as informers tell of them."""

    def __init__(self, *, enabled: bool) -> None:
        """Begin without any.

        Args:
            enabled: the operator's own switch; off, every search is Skipped whatever policies say.
        """
        rules = PolicySpec(enabled=enabled)
        self._default = ApplyingPolicy(DEFAULT_POLICY_NAME, rules, redactor(rules.redaction))
        self._enabled = enabled
        self._known: list[asyncio.Event] = []
        self._policies: dict[str | None, dict[PolicyKey, AnyPolicy]] = defaultdict(dict)
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._told = asyncio.Event()

    def follow(self, known: Sequence[asyncio.Event]) -> None:
        """Wait for these before the first search; each is set once all of its kind were told."""
        self._known.extend(known)

    def policy_changed(self, before: Json | None, after: Json | None) -> AnyPolicy | None:
        """Take a policy as it is now, None when it is gone; gives it parsed."""
        if after is None:
            if before is not None:
                key = key_of(before)
                self._policies[key.namespace].pop(key, None)
            return None
        policy = parse_policy(after)
        self._policies[policy.key.namespace][policy.key] = policy
        return policy

    def namespace_changed(self, before: Json | None, after: Json | None) -> None:
        """Take a namespace's labels as they are now; None when it is gone."""
        if after is not None:
            metadata = after["metadata"]
            self._namespaces[metadata["name"]] = metadata.get("labels", {})
        elif before is not None:
            self._namespaces.pop(before["metadata"]["name"], None)
        told, self._told = self._told, asyncio.Event()
        told.set()

    def get(self, key: PolicyKey) -> AnyPolicy | None:
        """Give a policy, if there is one of that name."""
        return self._policies[key.namespace].get(key)

    def policies(self) -> list[AnyPolicy]:
        """Give all policies."""
        return [policy for within in self._policies.values() for policy in within.values()]

    def everything(self) -> KnownPolicies:
        """Give all policies and namespaces as they are now.

        Raises:
            PoliciesUnknownError: the API server has not told of all yet.
        """
        if not all(known.is_set() for known in self._known):
            raise PoliciesUnknownError("the API server has not told yet which policies there are")
        return KnownPolicies(tuple(self.policies()), dict(self._namespaces))

    async def wait_until_known(self) -> None:
        """Return once the API server has told of all policies and namespaces."""
        for known in self._known:
            await known.wait()

    def times_to_live(self) -> list[str]:
        """Give the searchTTL of every policy, the default one included."""
        rules = [self._default.rules, *(policy.spec for policy in self.policies())]
        return [spec.retention.search_ttl for spec in rules]

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        """Give the policy that decides about a search.

        Raises:
            PoliciesUnknownError: not within the time.
            NamespaceUnknownError: the same, and everything else is known.
            PolicyInvalidError: it cannot be used until it is mended.
        """
        if not self._enabled:
            return self._default
        await self.wait_known(search.namespace, timeout_seconds)
        within = self._policies.get(search.namespace, {}), self._policies[None]
        everything = chain(*(known.values() for known in within))
        policy = _usable(applying_policy(everything, self._subject(search)))
        if policy is None:
            return self._default
        return ApplyingPolicy(str(policy.key), policy.spec, redactor(policy.spec.redaction))

    def catalogue(self, search: Metadata) -> NamedCatalogue | None:
        """Give the catalogue that an open search is run against, once its policy is known.

        Raises:
            PolicyInvalidError: a policy that may name one cannot be used until it is mended.
        """
        policy = _usable(catalogue_policy(self._policies[None].values(), self._subject(search)))
        if policy is None or not isinstance(policy.spec, ClusterPolicySpec):
            return None
        catalogue = policy.spec.catalogue
        return NamedCatalogue(str(policy.key), catalogue) if catalogue else None

    def _subject(self, search: Metadata) -> Subject:
        namespace_labels = self._namespaces.get(search.namespace, {})
        return Subject(search.namespace, search.labels, namespace_labels)

    def _all_known(self, namespace: str) -> bool:
        return all(known.is_set() for known in self._known) and namespace in self._namespaces

    async def wait_known(self, namespace: str, timeout_seconds: float | None) -> None:
        """Return once all policies and this namespace are known.

        Raises:
            PoliciesUnknownError: not within the time.
            NamespaceUnknownError: the same, and everything else is known.
        """
        if self._all_known(namespace):
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.wait_until_known()
                while namespace not in self._namespaces:
                    await self._told.wait()
        except TimeoutError:
            if all(known.is_set() for known in self._known):
                raise NamespaceUnknownError(
                    f"the API server has told of no namespace {shown(namespace)}"
                ) from None
            raise PoliciesUnknownError(
                "the API server has not told yet which policies there are"
            ) from None


def _usable(policy: AnyPolicy | None) -> Policy | None:
    if isinstance(policy, InvalidPolicy):
        raise PolicyInvalidError(f"{policy.key} cannot be used: {policy.finding}")
    return policy


def key_of(body: Json) -> PolicyKey:
    """Give which policy an object is."""
    metadata = body["metadata"]
    return PolicyKey(body["kind"], metadata.get("namespace"), metadata["name"])
