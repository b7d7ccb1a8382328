"""The promises, held against what the run has left."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.figures import Figure, Limit, latency_figures
from soak.creating import Accepted
from soak.judged import Read
from soak.plan import KEPT, PASSING, SWITCHED
from soak.programs import Life
from soak.timeline import Timeline

MIB = 2**20
SOME = Limit(">=", 1)
NONE = Limit("=", 0)
WARM_UP_SECONDS = 60.0
JUDGED_SECONDS = 240.0
"""Shortest time of one process, warm-up left out, whose memory says anything."""

GROWTH = Limit("<=", 1.0)
"""MiB a minute; below it is what allocators keep, and levels off."""

RECORDING, READING, KEEPING, RUNNING = 1, 2, 3, 4
"""Numbers of the parts of the table."""


@dataclass
class Findings:
    """What a run has left, as facts."""

    accepted: Mapping[str, Accepted]
    shown: Mapping[str, str]
    """Namespaces of all searches that the API server has shown, by uid."""
    rows: Mapping[str, Sequence[str]]
    """Search uids of all rows, by namespace, once for each row."""
    final: Mapping[str, tuple[str, float]]
    unfinished: Sequence[str]
    """Names of searches that are still not final."""
    changed: Sequence[str]
    """Uids of searches that were Recorded, and then something else."""
    reads: Sequence[Read]
    watched: Sequence[str]
    """Ids of the events that the watch has shown."""
    expected_watched: Sequence[str]
    lives: Mapping[str, Life]
    """The last one of each program that was spared."""
    failures: Sequence[str]
    """Of programs, of creating and of disturbances."""
    disturbances: Mapping[str, int]
    old_left: int
    held_left: int
    held: int
    passed: int
    """Searches that searchTTL has removed."""
    details: dict[str, object] = field(default_factory=dict)


def figures(found: Findings, timeline: Timeline) -> list[Figure]:
    """Give all figures; a broken promise is one that does not meet its limit."""
    return [
        *_recording(found),
        *_latencies(found, timeline),
        *_reads(found, timeline),
        *_keeping(found),
        *_running(found),
    ]


def broken(results: Iterable[Figure]) -> list[Figure]:
    """Give those that do not keep what was promised."""
    return [figure for figure in results if figure.met is False]


def lost_and_doubled(found: Findings) -> dict[str, list[str]]:
    """Compare searches with rows, exactly."""
    taken, skipped, rows = _taken(found), _skipped(found), _rows(found)
    return {
        "without a row": sorted(taken - skipped - rows.keys()),
        "with more than one row": sorted(uid for uid, count in rows.items() if count > 1),
        "rows of no accepted search": sorted(rows.keys() - taken),
    }


def _taken(found: Findings) -> set[str]:
    """Give all searches that the API server has taken, by what it answered or has shown."""
    return found.accepted.keys() | found.shown.keys()


def _skipped(found: Findings) -> set[str]:
    """Give those that say so, where a policy was switched off."""
    namespaces = found.shown | {uid: search.namespace for uid, search in found.accepted.items()}
    return {
        uid
        for uid, (phase, _) in found.final.items()
        if phase == "Skipped" and namespaces.get(uid) == SWITCHED
    }


def _rows(found: Findings) -> Counter[str]:
    names = (KEPT, PASSING, SWITCHED)
    return Counter(uid for namespace in names for uid in found.rows.get(namespace, ()))


def _recording(found: Findings) -> list[Figure]:
    wrong, rows, skipped = lost_and_doubled(found), _rows(found), _skipped(found)
    found.details.update(wrong)
    taken = len(_taken(found))
    sample = f"{taken:,} accepted searches"
    both = len(skipped & rows.keys())
    return [
        _figure(RECORDING, "searches accepted", taken, "", ""),
        _figure(RECORDING, "rows", rows.total(), "", ""),
        _figure(RECORDING, "skipped, while switched off", len(skipped), "", ""),
        # Of operators that were killed between the row and the status.
        _figure(RECORDING, "skipped, although they have a row", both, "", ""),
        *(_promise(RECORDING, name, len(uids), sample) for name, uids in wrong.items()),
        _promise(RECORDING, "neither Recorded nor Skipped", len(found.unfinished), sample),
        _promise(RECORDING, "recorded, and then something else", len(found.changed), sample),
    ]


def _latencies(found: Findings, timeline: Timeline) -> list[Figure]:
    times = [
        (search.at, max(found.final[uid][1], search.at))
        for uid, search in found.accepted.items()
        if uid in found.final
    ]
    calm = [end - begin for begin, end in times if timeline.is_calm(begin, end)]
    name = "created -> final status"
    result = latency_figures(RECORDING, f"{name}, storms and all", _seconds(times), of="searches")
    if calm:
        result += latency_figures(RECORDING, f"{name}, calm", calm, of="searches")
    return result


def _seconds(times: Sequence[tuple[float, float]]) -> list[float]:
    return [end - begin for begin, end in times] or [0.0]


def _reads(found: Findings, timeline: Timeline) -> list[Figure]:
    result = []
    for kind in sorted({read.kind for read in found.reads}):
        of_kind = [read for read in found.reads if read.kind == kind]
        answered = [read for read in of_kind if read.verdict == "answered"]
        unavailable = sum(read.verdict == "unavailable" for read in of_kind)
        sample = f"{len(of_kind):,} reads"
        calm = [
            read.seconds for read in answered if timeline.is_calm(read.at, read.at + read.seconds)
        ]
        result += [
            *(latency_figures(READING, f"{kind}, calm", calm, of="reads") if calm else ()),
            _figure(READING, f"{kind}: told to ask again", unavailable, "", sample),
            _promise(
                READING,
                f"{kind}: answers that are wrong or not documented",
                len(of_kind) - len(answered) - unavailable,
                sample,
            ),
        ]
    return [*result, *_watched(found)]


def _watched(found: Findings) -> list[Figure]:
    shown, wanted = Counter(found.watched), set(found.expected_watched)
    sample = f"{len(wanted):,} events"
    return [
        _promise(READING, "watch: events it did not show", len(wanted - shown.keys()), sample),
        _promise(READING, "watch: events shown twice", sum(n - 1 for n in shown.values()), sample),
    ]


def _keeping(found: Findings) -> list[Figure]:
    return [
        _promise(KEEPING, "expired events that retention left", found.old_left, ""),
        _promise(KEEPING, "held events that are gone", found.held - found.held_left, ""),
        _figure(
            KEEPING, "searches removed by searchTTL", found.passed, "", "", limit=Limit(">=", 1)
        ),
    ]


def _running(found: Findings) -> list[Figure]:
    result = [
        _figure(RUNNING, f"disturbances: {kind}", count, "", "")
        for kind, count in sorted(found.disturbances.items())
    ]
    for name, life in sorted(found.lives.items()):
        if growth := memory_growth(life):
            minutes, slope, first, last = growth
            sample = f"{minutes:.1f} minutes"
            result += [
                _figure(RUNNING, f"{name}: memory at first", first, "MiB", sample),
                _figure(RUNNING, f"{name}: memory at last", last, "MiB", sample),
                _figure(
                    RUNNING, f"{name}: growth of memory", slope, "MiB/min", sample, limit=GROWTH
                ),
            ]
    return [
        *result,
        _promise(RUNNING, "programs that failed, and what else did", len(found.failures), ""),
    ]


def memory_growth(life: Life) -> tuple[float, float, float, float] | None:
    """Give minutes, slope in MiB a minute, and the means of the first and the last fifth.

    None when the process did not live long enough. The slope is that of the least squares, so that
    no single look decides.
    """
    looks = [
        ((at - life.began) / 60, resident / MIB)
        for at, resident in life.memory
        if at - life.began > WARM_UP_SECONDS
    ]
    if not looks or (looks[-1][0] - looks[0][0]) * 60 < JUDGED_SECONDS:
        return None
    mean_x = sum(x for x, _ in looks) / len(looks)
    mean_y = sum(y for _, y in looks) / len(looks)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in looks) / sum(
        (x - mean_x) ** 2 for x, _ in looks
    )
    fifth = max(len(looks) // 5, 1)
    first, last = looks[:fifth], looks[-fifth:]
    return (
        looks[-1][0] - looks[0][0],
        slope,
        sum(y for _, y in first) / len(first),
        sum(y for _, y in last) / len(last),
    )


def _promise(number: int, name: str, value: float, sample: str) -> Figure:
    return _figure(number, name, value, "", sample, limit=NONE)


def _figure(
    number: int, name: str, value: float, unit: str, sample: str, *, limit: Limit | None = None
) -> Figure:
    return Figure(number=number, name=name, value=value, unit=unit, sample=sample, limit=limit)
