"""(12) Reading among the events of a year: the database, REST, the aggregated API, kubectl."""

import asyncio
import time
from dataclasses import replace
from typing import Any

import psycopg

from bench.apiserver import Server, served
from bench.asking import Ask, by_http, by_sql, first_touch, latencies, plan_milliseconds
from bench.cluster import Cluster
from bench.cold import drop_caches
from bench.context import Bench
from bench.databases import FreshDatabase, fresh_database
from bench.exporting import measure_export
from bench.figures import MILLISECONDS, Figure, Limit, latency_figures, median_figure, percentile
from bench.loading import load, summing_up, tidy
from bench.population import Population
from bench.reads import DEEP_PAGE, FIRST_PAGE, NEAR_PAGE, READS, Asked, Read, Recorded, Sample
from support.reading import let_read_everywhere
from workflow_audit.cli.local_apiserver import NAME
from workflow_audit.cli.prepare import tried_kubectl
from workflow_audit.local.progress import Reporter, reported
from workflow_audit.models.query import Place
from workflow_audit.wiring import utc_now
from workflow_audit.wiring.reading import _cursor_key

NUMBER = 12
QUICK_READ = {95: Limit("<", 10)}
END_TO_END = {95: Limit("<", 200)}
NO_SLOWER = Limit("<=", 1.1)
HOP = Limit("<=", 5)
NONE = Limit("=", 0)

USER = "bench-reader"
WARM_UP = 20
FIRST_REQUESTS = 10
PLANS = 20
KUBECTL_ROUNDS = 5
SAMPLED = 2000

SAMPLE = """
SELECT event_id, namespace, correlation_id, event_type, top_workflow_id
  FROM audit_events TABLESAMPLE SYSTEM (%(percent)s) REPEATABLE (615)
 WHERE top_workflow_id IS NOT NULL
 ORDER BY event_id
 LIMIT %(most)s
"""
PLACES = """
SELECT event_timestamp, event_id FROM audit_events
 ORDER BY event_timestamp DESC, event_id DESC OFFSET %(depth)s LIMIT %(most)s
"""
PLACES_BETWEEN = 100
"""Pages differ in what their events hold, and that says more of their time than their depth."""

PLACES_ASKED = 200


async def measure_reads(bench: Bench) -> None:
    """Load a year of events, then ask in every way."""
    with (
        reported(f"reading among {bench.sizes.events:,} events") as report,
        fresh_database(bench.environment, "reads") as fresh,
    ):
        await asyncio.to_thread(_load, bench, fresh, report)
        sample = await asyncio.to_thread(_sample, bench, fresh)
        await _measure_database(bench, fresh, sample, report)
        with served(bench.environment, fresh) as server:
            key = _cursor_key(bench.environment.folder / NAME / "tls.key")
            signed = replace(sample, cursor_key=key)
            await _measure_server(bench, server, signed, report)
            await asyncio.to_thread(_measure_kubectl, bench, signed)
            report.update("exporting")
            await measure_export(bench, NUMBER, USER)
        # At the end, because it takes from the caches what the others have warmed up.
        await asyncio.to_thread(_measure_cold, bench, fresh, sample, report)


def _load(bench: Bench, fresh: FreshDatabase, report: Reporter) -> None:
    count = bench.sizes.events
    population = Population(bench.corpus.first_events, count, utc_now().replace(microsecond=0))
    began = time.monotonic()
    with summing_up(fresh.writer):
        load(
            fresh.writer,
            population,
            lambda done: report.update(f"{done:,} events loaded", done, count),
        )
    seconds = time.monotonic() - began
    report.update("vacuum, analyze")
    began = time.monotonic()
    tidy(fresh.administrator)
    bench.details["seconds of VACUUM (ANALYZE)"] = time.monotonic() - began
    bench.add([_figure("loaded by COPY and summed up", count / seconds, "rows/s", count)])


def _sample(bench: Bench, fresh: FreshDatabase) -> Sample:
    depth = min(bench.sizes.depth, bench.sizes.events // 2)
    percent = min(100.0, 100 * 10 * SAMPLED / bench.sizes.events)
    with fresh.connected() as connection:
        found = connection.execute(SAMPLE, {"percent": percent, "most": SAMPLED}).fetchall()
        near, deep = (_places(connection, depth) for depth in (0, depth))
        ((position,),) = connection.execute("SELECT max(position) FROM audit_events").fetchall()
    return Sample([Recorded(*each) for each in found], position, utc_now(), near, deep, b"")


def _places(connection: psycopg.Connection[Any], depth: int) -> list[Place]:
    most = PLACES_BETWEEN * PLACES_ASKED
    found = connection.execute(PLACES, {"depth": depth, "most": most}).fetchall()
    return [Place(*each) for each in found[::PLACES_BETWEEN]]


def _measure_cold(bench: Bench, fresh: FreshDatabase, sample: Sample, report: Reporter) -> None:
    for read in _by_sql(sample):
        report.update(f"cold: {read.name}")
        rounds = []
        for number in range(bench.sizes.cold_rounds):
            drop_caches(bench.environment)
            rounds.append(first_touch(fresh.reader, read, sample, number))
        name = f"{read.name}; database, nothing in a cache"
        bench.add([median_figure(NUMBER, name, rounds, "ms", f"{len(rounds)} requests")])


async def _measure_database(
    bench: Bench, fresh: FreshDatabase, sample: Sample, report: Reporter
) -> None:
    requests = bench.sizes.reads + bench.sizes.reads_at_once
    async with by_sql(fresh.reader, bench.sizes.readers) as ask:
        for read in _by_sql(sample):
            report.update(f"warming up: {read.name}")
            await latencies(
                ask, read, sample, first=0, count=requests, at_a_time=bench.sizes.readers
            )
            report.update(f"database: {read.name}")
            limits = QUICK_READ if read.is_quick else None
            await _series(bench, ask, read, sample, way="database", limits=limits)
            plan, pages = await asyncio.to_thread(
                plan_milliseconds, fresh.reader, read, sample, PLANS
            )
            bench.add([_figure(f"{read.name}; the plan itself", plan, "ms", PLANS)])
            bench.details[f"{read.name}: pages that its plan looks at"] = pages
        ratio = await _depth_ratio(ask, sample, bench.sizes.reads)
    depth = min(bench.sizes.depth, bench.sizes.events // 2)
    name = f"page {depth:,} events down / page near the top, P50 of the database in turn"
    bench.add([_figure(name, ratio, "", bench.sizes.reads, NO_SLOWER)])


async def _depth_ratio(ask: Ask, sample: Sample, count: int) -> float:
    """Ask for both in turn, because machines drift by more than they differ."""
    seconds: dict[Read, list[float]] = {DEEP_PAGE: [], NEAR_PAGE: []}
    for number in range(count):
        for read, answers in seconds.items():
            one = await latencies(ask, read, sample, first=number, count=1, at_a_time=1)
            answers.extend(one.seconds)
    return percentile(seconds[DEEP_PAGE], 50) / percentile(seconds[NEAR_PAGE], 50)


async def _measure_server(bench: Bench, server: Server, sample: Sample, report: Reporter) -> None:
    readers, token = bench.sizes.readers, server.reader("reader")
    let_read_everywhere(server.api, USER)
    cluster = Cluster(server.environment, USER, connections=readers)
    async with by_http(server.environment, server.port, token, readers) as get, cluster:

        async def rest(asked: Asked) -> object:
            return await get(asked.rest or "")

        async def direct(asked: Asked) -> object:
            return await get(asked.aggregated or "")

        async def aggregated(asked: Asked) -> object:
            return await cluster.request("GET", asked.aggregated or "")

        await _measure_first_requests(bench, server, sample)
        for read in READS:
            report.update(f"end to end: {read.name}")
            asked = read.ask(sample, 0)
            if asked.rest:
                p50 = await _series(bench, rest, read, sample, way="REST", limits=END_TO_END)
                _add_ratio(bench, read, p50)
            if asked.aggregated:
                p50 = await _series(
                    bench, aggregated, read, sample, way="through the API server", limits=END_TO_END
                )
                own = await latencies(
                    direct, read, sample, first=0, count=bench.sizes.reads, at_a_time=1
                )
                added = p50 - percentile(own.seconds, 50) * MILLISECONDS
                name = f"{read.name}; what the API server adds to P50"
                bench.add([_figure(name, added, "ms", bench.sizes.reads, HOP)])


async def _series(
    bench: Bench,
    ask: Ask,
    read: Read,
    sample: Sample,
    *,
    way: str,
    limits: dict[int, Limit] | None,
) -> float:
    """Ask one by one, and many at a time; gives the median of the former in milliseconds."""
    sizes, first = bench.sizes, 0
    await latencies(ask, read, sample, first=0, count=WARM_UP, at_a_time=sizes.readers)
    medians: list[float] = []
    for count, at_a_time in ((sizes.reads, 1), (sizes.reads_at_once, sizes.readers)):
        first += count
        series = await latencies(ask, read, sample, first=first, count=count, at_a_time=at_a_time)
        name = f"{read.name}; {way}, {at_a_time} at a time"
        bench.add(latency_figures(NUMBER, name, series.seconds, limits, "requests"))
        medians.append(percentile(series.seconds, 50) * MILLISECONDS)
        if series.refusals:
            bench.add([_figure(f"{name}: refused", len(series.refusals), "", count, NONE)])
            bench.details[f"{name}: refused"] = sorted(set(series.refusals))
    return medians[0]


def _add_ratio(bench: Bench, read: Read, rest: float) -> None:
    plans = {each.name: each.value for each in bench.figures}
    if plan := plans.get(f"{read.name}; the plan itself"):
        name = f"{read.name}; REST's P50 / the plan itself"
        bench.add([_figure(name, rest / plan, "", bench.sizes.reads)])


async def _measure_first_requests(bench: Bench, server: Server, sample: Sample) -> None:
    """Ask with tokens that the server has not seen: it asks the API server who that is, and may."""
    firsts: list[float] = []
    seconds: list[float] = []
    for number in range(FIRST_REQUESTS):
        token = server.reader(f"new-{number}")
        async with by_http(server.environment, server.port, token, 1) as get:
            await get("/openapi.json")  # the handshake is not what is measured
            path = READS[0].ask(sample, number).rest or ""
            for found in (firsts, seconds):
                began = time.monotonic()
                await get(path)
                found.append((time.monotonic() - began) * MILLISECONDS)
    sample_text = f"{FIRST_REQUESTS} tokens"
    for name, found in (("first request of a token", firsts), ("its second", seconds)):
        figure = median_figure(NUMBER, f"one event by REST, {name}", found, "ms", sample_text)
        bench.add([replace(figure, rounds=())])


def _measure_kubectl(bench: Bench, sample: Sample) -> None:
    for read in (READS[0], FIRST_PAGE):
        rounds = []
        for number in range(KUBECTL_ROUNDS):
            path = read.ask(sample, number).aggregated or ""
            began = time.monotonic()
            done = tried_kubectl(bench.environment, "get", "--raw", path)
            rounds.append((time.monotonic() - began) * MILLISECONDS)
            if done.returncode != 0:
                raise ValueError(f"kubectl get --raw {path}: {done.stderr}")
        name = f"{read.name}; a whole `kubectl get --raw`"
        bench.add([median_figure(NUMBER, name, rounds, "ms", f"{KUBECTL_ROUNDS} processes")])


def _by_sql(sample: Sample) -> list[Read]:
    return [read for read in READS if read.ask(sample, 0).statements]


def _figure(name: str, value: float, unit: str, sample: int, limit: Limit | None = None) -> Figure:
    return Figure(
        number=NUMBER, name=name, value=value, unit=unit, sample=f"{sample:,}", limit=limit
    )
