"""What Prometheus sees, and which alerts must come of it: both sides of every threshold.

Values are those of the default policy. Series are written as promtool reads them, a minute apart:
`0+3x30` is 0, 3, 6, ... and `_x4` is nothing four times.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_MINUTES = 1440


@dataclass(frozen=True)
class Firing:
    """One alert that is expected."""

    description: str
    job: str | None = "audit"
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further ones of the series."""


@dataclass(frozen=True)
class Case:
    """What is scraped, and what the alert does at a time."""

    alert: str
    id: str
    series: Mapping[str, str]
    at: str
    expected: tuple[Firing, ...] = ()


def of(name: str, pod: str = "a", job: str = "audit", **labels: str) -> str:
    """A series of one replica."""
    given = {"job": job, "pod": pod, "instance": f"{pod}:8080", **labels}
    listed = ",".join(f'{label}="{value}"' for label, value in given.items())
    return f"workflow_audit_{name}{{{listed}}}"


def errors(kind: str = "database", pod: str = "a", job: str = "audit") -> str:
    return of("write_errors_total", pod, job, error_type=kind)


def latencies(name: str, bounds: Mapping[str, int], **labels: str) -> dict[str, str]:
    """A histogram that grows by these numbers a minute, cumulative as Prometheus has them."""
    return {of(f"{name}_bucket", le=le, **labels): f"0+{count}x30" for le, count in bounds.items()}


@dataclass
class _Cases:
    found: list[Case] = field(default_factory=list)

    def add(self, alert: str, case: str, series: Mapping[str, str], at: str, *texts: str) -> None:
        expected = tuple(Firing(text) for text in texts)
        self.found.append(Case(f"WorkflowAudit{alert}", case, series, at, expected))


_cases = _Cases()
_add = _cases.add

COMMITS = of("batch_rows_count")

# 0.05 a second are 3 a minute.
RATE = "{} writes a second fail; more than 0.05 are too many. They are tried again."
_add("WriteErrorRate", "above", {errors(): "0+3.06x30"}, "20m", RATE.format("0.051"))
_add("WriteErrorRate", "below", {errors(): "0+2.94x30"}, "20m")
_add("WriteErrorRate", "nothing-fails", {errors(): "0x30"}, "20m")
_add(
    "WriteErrorRate",
    "kinds-and-replicas-add-up",
    {errors("network"): "0+2x30", errors("validation"): "0+2x30", errors(pod="b"): "0+2x30"},
    "20m",
    RATE.format("0.1"),
)
_add(
    "WriteErrorRate",
    "installations-do-not",
    {errors(): "0+2x30", errors(job="other"): "0+2x30"},
    "20m",
)
_add("WriteErrorRate", "a-restart-is-no-error", {errors(): "900x10 0x20"}, "12m")
_add("WriteErrorRate", "not-at-once", {errors(): "0x9 0+60x20"}, "14m")
_add("WriteErrorRate", "but-soon", {errors(): "0x9 0+60x20"}, "18m", RATE.format("1"))

RATIO = "{} of the writes fail; more than 5 % are too many."
_add(
    "WriteErrorRatio",
    "above",
    {errors(): "0+1x30", COMMITS: "0+18x30"},
    "20m",
    RATIO.format("5.263%"),
)
_add("WriteErrorRatio", "below", {errors(): "0+1x30", COMMITS: "0+20x30"}, "20m")
_add("WriteErrorRatio", "at-the-edge", {errors(): "0+1x30", COMMITS: "0+19x30"}, "20m")
_add("WriteErrorRatio", "without-writes", {errors(): "0x30", COMMITS: "0x30"}, "20m")
_add("WriteErrorRatio", "after-errors", {errors(): "0+9x5 45x30", COMMITS: "0x35"}, "30m")
_add(
    "WriteErrorRatio",
    "nothing-is-written",
    {errors(): "0+1x30", COMMITS: "7x30"},
    "20m",
    RATIO.format("100%"),
)
_add(
    "WriteErrorRatio",
    "replicas-are-one",
    {
        errors(): "0+1x30",
        COMMITS: "0+1x30",
        errors(pod="b"): "0x30",
        of("batch_rows_count", "b"): "0+40x30",
    },
    "20m",
)

WRITE = "One write in twenty takes {} or longer until its COMMIT; more than 0.05 s are too long."
_WRITES = "write_duration_seconds"
_add(
    "WriteSlow",
    "above",
    latencies(_WRITES, {"0.05": 94, "0.1": 100, "+Inf": 100}),
    "20m",
    WRITE.format("58.33ms"),
)
_add("WriteSlow", "at-the-edge", latencies(_WRITES, {"0.05": 95, "0.1": 100, "+Inf": 100}), "20m")
_add("WriteSlow", "without-writes", latencies(_WRITES, {"0.05": 0, "0.1": 0, "+Inf": 0}), "20m")

QUERY = "One read in twenty takes {} or longer; more than 0.5 s are too long."
_READS = "query_duration_seconds"
_SLOW = {"0.5": 94, "1.0": 100, "+Inf": 100}
_QUICK = {"0.5": 95, "1.0": 100, "+Inf": 100}


def _reads(bounds: Mapping[str, int], endpoint: str = "rest") -> dict[str, str]:
    return latencies(_READS, bounds, endpoint=endpoint)


for _endpoint in ("kubernetes", "rest"):
    _expected = Firing(QUERY.format("583.3ms"), labels={"endpoint": _endpoint})
    _cases.found.append(
        Case(
            "WorkflowAuditQuerySlow",
            f"above-{_endpoint}",
            _reads(_SLOW, _endpoint) | _reads(_QUICK, "statistics"),
            "20m",
            (_expected,),
        )
    )
_add("QuerySlow", "at-the-edge", _reads(_QUICK), "20m")
_add("QuerySlow", "without-reads", _reads({"0.5": 0, "1.0": 0, "+Inf": 0}), "20m")
_add(
    "QuerySlow",
    "statistics-may-take-seconds",
    _reads(_QUICK) | _reads({"0.5": 0, "10.0": 100, "+Inf": 100}, "statistics"),
    "20m",
)

# 7 days are 604800 s; at 20 minutes the clock shows 1200, and 5 minutes before 900.
ENDS = "The certificate that the server of readers serves {}; it should have been renewed by now."
_SERVED = of("serving_certificate_expiry_timestamp_seconds")
_SERVED_BY_B = of("serving_certificate_expiry_timestamp_seconds", "b")
_add("CertificateEnds", "soon", {_SERVED: "605640x30"}, "20m", ENDS.format("ends in 6d 23h 54m 0s"))
_add("CertificateEnds", "in-seven-days", {_SERVED: "606000x30"}, "20m")
_add("CertificateEnds", "has-ended", {_SERVED: "1140x30"}, "20m", ENDS.format("has ended"))
_add("CertificateEnds", "none-is-served", {_SERVED: "0x30"}, "20m")
_add("CertificateEnds", "not-at-once", {_SERVED: "9e9x16 605000x30"}, "20m")
_add("CertificateEnds", "renewed", {_SERVED: "605000x10 9e9x30"}, "20m")
_add(
    "CertificateEnds",
    "of-one-of-two-replicas",
    {_SERVED: "9e9x30", _SERVED_BY_B: "605640x30"},
    "20m",
    ENDS.format("ends in 6d 23h 54m 0s"),
)
_add("CertificateEnds", "beside-an-operator", {_SERVED: "9e9x30", _SERVED_BY_B: "0x30"}, "20m")

OLD = "The oldest unrecorded search is {} old; more than 300 s are too long."
PENDING = of("oldest_pending_seconds")
_add("PendingTooOld", "above", {PENDING: "301x30"}, "20m", OLD.format("5m 1s"))
_add("PendingTooOld", "at-the-edge", {PENDING: "300x30"}, "20m")
_add("PendingTooOld", "not-at-once", {PENDING: "0x9 301x20"}, "14m")
_add(
    "PendingTooOld",
    "one-of-two-replicas",
    {PENDING: "301x30", of("oldest_pending_seconds", "b"): "0x30"},
    "20m",
    OLD.format("5m 1s"),
)
_add(
    "PendingTooOld",
    "ages-do-not-add-up",
    {PENDING: "200x30", of("oldest_pending_seconds", "b"): "200x30"},
    "20m",
)

# 10 MiB a day are 7281.8 bytes a minute.
GROWN = "audit_events has grown by {} in a day; more than 10 MiB are too much."
TABLE = of("table_bytes")
_add("Growth", "above", {TABLE: "1e9+7283x1600"}, "26h", GROWN.format("10MiB"))
_add("Growth", "below", {TABLE: "1e9+7281x1600"}, "26h")
_add("Growth", "first-day", {TABLE: "1e9+9999x1600"}, "23h")
_add("Growth", "unmeasured-a-day-ago", {TABLE: "0x9 5e9+0x1600"}, "1448m")
_add("Growth", "unmeasured-now", {TABLE: "5e9+0x1500 0x100"}, "26h")
_add("Growth", "a-partition-is-gone", {TABLE: "5e9+0x1500 1e9+0x100"}, "26h")
_add(
    "Growth",
    "a-restart-hides-nothing",
    {TABLE: "1e9+8000x700", of("table_bytes", "b"): "_x700 0 1005608000+8000x900"},
    "26h",
    GROWN.format("10.99MiB"),
)
_add(
    "Growth",
    "nor-does-a-gap-a-day-ago",
    {TABLE: "1e9+8000x100 _x30 1001048000+8000x1500"},
    "26h",
    GROWN.format("11.14MiB"),
)

OVERDUE = "Retention has not succeeded since {} +0000 UTC; two days are too long."
NEVER = "Retention has never succeeded; two days are too long."
SUCCESS = of("retention_last_success_timestamp_seconds")
KEPT = of("partitions")
_add(
    "RetentionOverdue",
    "older-than-two-days",
    {SUCCESS: "3600x3200", KEPT: "3x3200"},
    "2946m",
    OVERDUE.format("1970-01-01 01:00:00"),
)
_add("RetentionOverdue", "two-days-old", {SUCCESS: "3600x3200", KEPT: "3x3200"}, "2940m")
_add("RetentionOverdue", "young-operator", {SUCCESS: "_x1440 0x3200", KEPT: "3x5000"}, "3600m")
_add(
    "RetentionOverdue",
    "one-replica-does-it",
    {
        SUCCESS: "0x3200",
        KEPT: "3x3200",
        of("retention_last_success_timestamp_seconds", "b"): "100000x3200",
    },
    "3000m",
)
_RESTARTED = {
    SUCCESS: "0x1439 86400x720",
    KEPT: "3x2160",
    of("retention_last_success_timestamp_seconds", "b"): "_x2160 0x3000",
    of("partitions", "b"): "_x2160 3x3000",
}
_add("RetentionOverdue", "a-restart-forgets-nothing", _RESTARTED, "4320m")
_add(
    "RetentionOverdue",
    "nor-does-it-hide",
    _RESTARTED,
    "4330m",
    OVERDUE.format("1970-01-02 00:00:00"),
)
_add("RetentionOverdue", "who-only-reads", {SUCCESS: "0x3200", KEPT: "0x3200"}, "3000m")
_add("RetentionOverdue", "never", {SUCCESS: "0x3200", KEPT: "3x3200"}, "2886m", NEVER)

INCOMPLETE = (
    "{} recorded searches are without their audit event or disagree with it;"
    " `workflow-audit verify` names them."
)
MISSING, DIFFERENT = of("verify_missing"), of("verify_different")
_add("Incomplete", "missing", {MISSING: "3x30", DIFFERENT: "0x30"}, "5m", INCOMPLETE.format(3))
_add("Incomplete", "different", {MISSING: "0x30", DIFFERENT: "1x30"}, "5m", INCOMPLETE.format(1))
_add("Incomplete", "not-at-once", {MISSING: "3x30", DIFFERENT: "0x30"}, "4m")
_add("Incomplete", "all-there", {MISSING: "0x30", DIFFERENT: "0x30"}, "20m")
_add(
    "Incomplete",
    "replicas-see-the-same",
    {
        MISSING: "2x30",
        DIFFERENT: "0x30",
        of("verify_missing", "b"): "2x30",
        of("verify_different", "b"): "0x30",
    },
    "5m",
    INCOMPLETE.format(2),
)
_add("Incomplete", "repaired", {MISSING: "3x6 0x30", DIFFERENT: "0x36"}, "20m")

UNREADY = of("policies", ready="false")
_add("PolicyNotReady", "for-a-quarter", {UNREADY: "2x30"}, "15m", "Policies that are not Ready: 2.")
_add("PolicyNotReady", "not-before", {UNREADY: "2x30"}, "14m")
_add("PolicyNotReady", "all-are", {UNREADY: "0x30", of("policies", ready="true"): "2x30"}, "20m")

DOWN = (
    "Prometheus sees no operator that has reached its database. Searches wait in the cluster and"
    " are recorded when it is back."
)


def _down(case: str, series: Mapping[str, str], at: str, *, fires: bool) -> None:
    expected = (Firing(DOWN, job=None),) if fires else ()
    _cases.found.append(Case("WorkflowAuditOperatorDown", case, series, at, expected))


_down("nothing-is-scraped", {}, "5m", fires=True)
_down("not-at-once", {}, "4m", fires=False)
_down("it-waits-for-its-database", {KEPT: "0x30"}, "20m", fires=True)
_down("it-is-gone", {KEPT: "3x10"}, "22m", fires=True)
_down("it-is-there", {KEPT: "3x30"}, "20m", fires=False)
_down("it-restarts", {KEPT: "3x10 _x6 3x30"}, "20m", fires=False)
_down("a-replica-is-there", {KEPT: "0x30", of("partitions", "b"): "3x30"}, "20m", fires=False)

CASES: tuple[Case, ...] = tuple(_cases.found)
