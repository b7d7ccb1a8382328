"""A search -> its event, ready to be written: policy, redaction, event; and what is counted of it.

What always holds: nothing that was not redacted leaves this module.
"""

from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from workflow_audit import metrics
from workflow_audit.domain.events import Sender, audit_event, low_confidence, unattributed_workflows
from workflow_audit.domain.free_text import RedactedSearch, TreeRedactor, redacted_search
from workflow_audit.models.event import AuditEvent
from workflow_audit.models.policy import PolicySpec
from workflow_audit.models.search import Metadata, Search
from workflow_audit.services.bounded_labels import BoundedLabels

MOST_WINNERS = 200
"""Most workflows with a count of their own; the catalogue of the bundled searches has 60."""


@dataclass(frozen=True)
class ApplyingPolicy:
    """The policy that decides about a search, ready for use."""

    name: str
    rules: PolicySpec
    redactor: TreeRedactor


class Policies(Protocol):
    """Says which policy applies."""

    async def applying(
        self, search: Metadata, timeout_seconds: float | None = None
    ) -> ApplyingPolicy:
        """Give the policy that decides about a search.

        Raises:
            PolicyError: it is not known within the time, or cannot be used.
        """
        ...


@dataclass(frozen=True)
class Prepared:
    """The event of a search, and what it came from."""

    event: AuditEvent
    policy: ApplyingPolicy
    redacted: RedactedSearch

    @property
    def low_confidence(self) -> bool | None:
        """Whether the winner is below the policy's threshold; None without a winner."""
        return low_confidence(self.event, self.policy.rules)


def prepared(
    search: Search, policy: ApplyingPolicy, cluster_id: UUID, sender: Sender | None = None
) -> Prepared:
    """Give the event of a search.

    Args:
        search: as it was parsed, not redacted.
        policy: the one that applies; it must have auditing on.
        cluster_id: uid of the namespace kube-system.
        sender: of a search that came by HTTP.
    """
    redacted = redacted_search(search, policy.redactor)
    event = audit_event(redacted, policy.rules, policy.name, cluster_id, sender)
    return Prepared(event, policy, redacted)


# Looking a label up costs as much as redacting a search.
_RECORDED = metrics.EVENTS.labels("recorded")
_OUTCOMES = {outcome: metrics.SEARCHES.labels(outcome) for outcome in ("success", "failure")}


@dataclass(frozen=True)
class SearchCounts:
    """Counts searches that are done, whichever way they came."""

    winners: BoundedLabels = field(default_factory=lambda: BoundedLabels(MOST_WINNERS))
    """Workflows that are counted by their id."""

    def skipped(self) -> None:
        """Count a search for which auditing is off."""
        metrics.EVENTS.labels("skipped").inc()

    def replayed(self) -> None:
        """Count a search that was recorded already."""
        metrics.EVENTS.labels("replayed").inc()

    def written(self, search: Prepared, *, replayed: bool) -> None:
        """Count a search after its COMMIT; all about it only the first time."""
        if replayed:
            self.replayed()
            return
        event = search.event
        _RECORDED.inc()
        _OUTCOMES[event.event_outcome].inc()
        if search.low_confidence:
            metrics.LOW_CONFIDENCE.inc()
        if unattributed := unattributed_workflows(event):
            metrics.UNATTRIBUTED.inc(unattributed)
        if event.top_confidence is not None:
            metrics.CONFIDENCE.observe(event.top_confidence)
        if event.top_workflow_id is not None:
            metrics.SELECTIONS.labels(self.winners.label(event.top_workflow_id)).inc()
        for pattern, times in search.redacted.redactions.items():
            metrics.REDACTIONS.labels(pattern).inc(times)
