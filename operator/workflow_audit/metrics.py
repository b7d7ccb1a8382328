"""Every metric of Workflow Audit, once, with its help and buckets.

Names are part of the interface: alerts, dashboards and docs/reference/metrics.md use them.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from workflow_audit import __version__
from workflow_audit.errors import FAILURE_CODES

REGISTRY = CollectorRegistry()

_LATENCY_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
)  # fmt: skip
_QUERY_BUCKETS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10, 30,
)  # fmt: skip

EVENTS = Counter(
    "workflow_audit_events_total",
    "Searches that are done, by status: recorded, replayed (the row was there already) or"
    " skipped (auditing is off).",
    ["status"],
    registry=REGISTRY,
)
SEARCHES = Counter(
    "workflow_audit_searches_total",
    "Recorded searches by outcome: success or failure.",
    ["outcome"],
    registry=REGISTRY,
)
WRITE_DURATION = Histogram(
    "workflow_audit_write_duration_seconds",
    "From handing an event to the writer until its COMMIT.",
    buckets=_LATENCY_BUCKETS,
    registry=REGISTRY,
)
WRITE_ERRORS = Counter(
    "workflow_audit_write_errors_total",
    "Writes that failed, by error_type: validation (one row refused), network or database.",
    ["error_type"],
    registry=REGISTRY,
)
BATCH_ROWS = Histogram(
    "workflow_audit_batch_rows",
    "Events that shared one COMMIT.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200),
    registry=REGISTRY,
)
PENDING = Gauge(
    "workflow_audit_pending_searches",
    "Searches that the operator knows of and that are not recorded yet.",
    registry=REGISTRY,
)
OLDEST_PENDING = Gauge(
    "workflow_audit_oldest_pending_seconds",
    "Age of the oldest search that is not recorded yet; 0 without any.",
    registry=REGISTRY,
)
STATUS_ERRORS = Counter(
    "workflow_audit_status_errors_total",
    "Statuses that the API server refused; their searches are listed again.",
    registry=REGISTRY,
)
REDACTIONS = Counter(
    "workflow_audit_redactions_total",
    "Passages that were replaced before recording, by pattern.",
    ["pattern"],
    registry=REGISTRY,
)
LOW_CONFIDENCE = Counter(
    "workflow_audit_low_confidence_searches_total",
    "Recorded searches whose winner is below the policy's threshold.",
    registry=REGISTRY,
)
CONFIDENCE = Histogram(
    "workflow_audit_confidence",
    "Confidence of the winners of recorded searches; those without a winner are not in it.",
    buckets=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1),
    registry=REGISTRY,
)
SELECTIONS = Counter(
    "workflow_audit_selections_total",
    "Recorded searches by their winner's workflow_id; `other` once there are too many of them for"
    " a metric.",
    ["workflow_id"],
    registry=REGISTRY,
)
UNATTRIBUTED = Counter(
    "workflow_audit_unattributed_scores_total",
    "Workflows whose breakdowns do not explain labelBoost or labelPenalty.",
    registry=REGISTRY,
)
CATALOGUE_REQUESTS = Counter(
    "workflow_audit_catalogue_requests_total",
    "Searches that the operator ran against the catalogue, by outcome: success, or the code of the"
    " failure; also those for which there is no catalogue, or no token. Once more when the operator"
    " ends between answer and COMMIT.",
    ["outcome"],
    registry=REGISTRY,
)
CATALOGUE_DURATION = Histogram(
    "workflow_audit_catalogue_request_duration_seconds",
    "How long such a search took, from the wait for its turn to the end of the answer or to the"
    " failure.",
    buckets=_LATENCY_BUCKETS,
    registry=REGISTRY,
)
QUERY_DURATION = Histogram(
    "workflow_audit_query_duration_seconds",
    "From a reader's request until its answer is there, by endpoint: kubernetes or rest for events,"
    " statistics for statistics of either; each page of an export by REST counts as one.",
    ["endpoint"],
    buckets=_QUERY_BUCKETS,
    registry=REGISTRY,
)
QUERY_RESULTS = Counter(
    "workflow_audit_query_results_total",
    "Audit events, and rows of statistics, that were given to readers; those of an export by REST"
    " count when it ends.",
    registry=REGISTRY,
)
QUERY_REFUSALS = Counter(
    "workflow_audit_query_refusals_total",
    "Reads that were refused because their user asks too much, by endpoint and by limit: rate or"
    " concurrency.",
    ["endpoint", "limit"],
    registry=REGISTRY,
)
INGEST_REQUESTS = Counter(
    "workflow_audit_ingest_requests_total",
    "Requests to record events by HTTP, by endpoint (single or batch) and status code.",
    ["endpoint", "code"],
    registry=REGISTRY,
)
INGEST_DURATION = Histogram(
    "workflow_audit_ingest_duration_seconds",
    "From a request to record events by HTTP until its answer, by endpoint: single or batch.",
    ["endpoint"],
    buckets=_LATENCY_BUCKETS,
    registry=REGISTRY,
)
INGEST_EVENTS = Counter(
    "workflow_audit_ingest_events_total",
    "Events that came by HTTP, by what came of them: recorded, replayed, skipped, refused or"
    " unavailable.",
    ["status"],
    registry=REGISTRY,
)
CERTIFICATE_END = Gauge(
    "workflow_audit_serving_certificate_expiry_timestamp_seconds",
    "Unix time at which the certificate that the server of readers serves ends, or one of its chain"
    " before it; 0 where none is served or its end is not known.",
    registry=REGISTRY,
)
TABLE_BYTES = Gauge(
    "workflow_audit_table_bytes",
    "Size of audit_events on disk, indexes included.",
    registry=REGISTRY,
)
PARTITIONS = Gauge(
    "workflow_audit_partitions",
    "Monthly partitions of audit_events.",
    registry=REGISTRY,
)
RETENTION_LAST_SUCCESS = Gauge(
    "workflow_audit_retention_last_success_timestamp_seconds",
    "Unix time at which the last retention run ended well, a dry run too; 0 while none is known.",
    registry=REGISTRY,
)
RETENTION_DURATION = Gauge(
    "workflow_audit_retention_duration_seconds",
    "How long the last retention run took.",
    registry=REGISTRY,
)
RETENTION_REMOVED_ROWS = Counter(
    "workflow_audit_retention_removed_rows_total",
    "Audit events that retention has removed.",
    registry=REGISTRY,
)
SEARCHES_REMOVED = Counter(
    "workflow_audit_searches_removed_total",
    "Recorded searches that were removed from the cluster because of their policy's searchTTL.",
    registry=REGISTRY,
)
VERIFY_MISSING = Gauge(
    "workflow_audit_verify_missing",
    "Searches that are Recorded and without an audit event, at the last comparison.",
    registry=REGISTRY,
)
VERIFY_DIFFERENT = Gauge(
    "workflow_audit_verify_different",
    "Searches that disagree with their audit event, at the last comparison.",
    registry=REGISTRY,
)
VERIFY_EXTRA = Gauge(
    "workflow_audit_verify_extra",
    "Audit events that nothing can have written rightly, at the last comparison.",
    registry=REGISTRY,
)
VERIFY_SEARCHES = Gauge(
    "workflow_audit_verify_searches",
    "Searches that the last comparison looked at.",
    registry=REGISTRY,
)
VERIFY_LAST_SUCCESS = Gauge(
    "workflow_audit_verify_last_success_timestamp_seconds",
    "Unix time at which searches and audit events were last compared to the end; 0 while never.",
    registry=REGISTRY,
)
VERIFY_DURATION = Gauge(
    "workflow_audit_verify_duration_seconds",
    "How long the last comparison took.",
    registry=REGISTRY,
)
POLICIES = Gauge(
    "workflow_audit_policies",
    "Policies, by whether all that they ask for is in place: ready true or false.",
    ["ready"],
    registry=REGISTRY,
)
BUILD_INFO = Info("workflow_audit_build", "Version that is running.", registry=REGISTRY)
BUILD_INFO.info({"version": __version__})

for _error_type in ("validation", "network", "database"):
    WRITE_ERRORS.labels(_error_type)  # a rate needs the zero before the first error
for _status in ("recorded", "replayed", "skipped"):
    EVENTS.labels(_status)
for _outcome in ("success", *FAILURE_CODES):
    CATALOGUE_REQUESTS.labels(_outcome)
for _endpoint in ("kubernetes", "rest", "statistics"):
    QUERY_DURATION.labels(_endpoint)
    for _limit in ("rate", "concurrency"):
        QUERY_REFUSALS.labels(_endpoint, _limit)
for _endpoint, _code in (("single", "201"), ("batch", "201"), ("batch", "207")):
    INGEST_DURATION.labels(_endpoint)
    INGEST_REQUESTS.labels(_endpoint, _code)
for _status in ("recorded", "replayed", "skipped", "refused", "unavailable"):
    INGEST_EVENTS.labels(_status)

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """Give all metrics in Prometheus' text format."""
    return generate_latest(REGISTRY)


def described() -> list[tuple[str, str, str]]:
    """Give name, type and help of every metric, for the reference."""
    suffix = {"counter": "_total", "info": "_info"}
    return [
        (metric.name + suffix.get(metric.type, ""), metric.type, metric.documentation)
        for metric in REGISTRY.collect()
    ]
