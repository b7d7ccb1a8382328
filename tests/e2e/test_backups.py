"""The database is lost and comes back older: what it lacks is named and recorded again."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from support.api import Api
from support.backups import (
    archive_log,
    base_backup,
    lose,
    name_this_moment,
    restore_base_backup,
    restore_moment,
    run_program,
    wait_archived,
)
from support.catalogues import ANSWER, OPEN
from support.environment import psql
from support.eventually import eventually
from support.faulty_server import FaultyServer, answer
from support.operator_process import OperatorProcess
from support.policies import Policies
from support.reader import Done, Reader
from support.searches import Load, Searches, bundled_specs
from workflow_audit.cli import DIFFERENT
from workflow_audit.cli.prepare import prepare
from workflow_audit.local.environment import READER, LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

BEFORE, AFTER = 20, 15
COMPARED_SECONDS = 150.0
"""The operator compares a minute after its start."""

Json = dict[str, Any]


@dataclass(frozen=True)
class World:
    """An environment of one's own, whose database may be lost, with an operator at work."""

    environment: LocalEnvironment
    api: Api
    operator: OperatorProcess

    def verify(self, *arguments: str, role: str | None = None) -> Done:
        """Run the comparison as the administrator."""
        url = self.environment.database_url(*([role] if role else []))
        administrator = Reader.administrator(self.environment)
        return administrator.run("verify", *arguments, AUDIT_DATABASE_URL=url)

    def counts(self, *arguments: str, code: int = 0, role: str | None = None) -> Json:
        """Give what it counts; it must end with this code."""
        done = self.verify("-o", "json", *arguments, role=role)
        assert done.returncode == code, done.stdout + done.stderr
        found: Json = json.loads(done.stdout)["counts"]
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    log = tmp_path_factory.mktemp("backups") / "operator.log"
    with ExitStack() as stack:
        environment = stack.enter_context(LocalEnvironment.temporary(hooks=[prepare]))
        api = stack.enter_context(Api(environment))
        operator = stack.enter_context(OperatorProcess(environment, log))
        yield World(environment, api, operator.start().wait_ready())


@pytest.fixture
def searches(world: World, request: pytest.FixtureRequest) -> Iterator[Searches]:
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:45].strip("-")
    with Searches(world.environment, world.api, name) as own:
        yield own


@pytest.fixture
def catalogue(world: World, searches: Searches) -> Iterator[None]:
    """The operator runs searches against a catalogue."""
    with (
        FaultyServer(answer(ANSWER)) as server,
        Policies(world.api, searches.namespace, of_cluster=True) as policies,
    ):
        policies.apply("with-catalogue", catalogue={"url": server.url})
        policies.wait_ready("with-catalogue")
        yield


def versions(found: list[Json]) -> dict[str, str]:
    """Give what changes with every write to a search."""
    return {each["metadata"]["name"]: each["metadata"]["resourceVersion"] for each in found}


def test_a_dump_is_restored_and_the_rest_recorded_again(
    world: World,
    searches: Searches,
    catalogue: None,
    tmp_path: Path,
) -> None:
    postgres = world.environment.postgres
    specs = bundled_specs()
    searches.create([*specs[:BEFORE], OPEN], "before")
    searches.wait_recorded(BEFORE + 1)
    roles, dump = tmp_path / "roles.sql", tmp_path / "audit.dump"
    roles.write_text(run_program(postgres, "pg_dumpall", "--roles-only"), encoding="utf-8")
    run_program(postgres, "pg_dump", "--format=custom", "--file", dump)

    searches.create([*specs[-AFTER:], OPEN], "after")
    lost = searches.wait_recorded(BEFORE + AFTER + 2)
    recorded = {row["resource_name"]: row for row in searches.rows()}
    searches.close()
    lose(postgres)
    postgres.start()
    run_program(postgres, "psql", "-XAtq", "-f", roles)
    run_program(postgres, "pg_restore", "--exit-on-error", "--dbname=audit", dump)

    for role in (None, READER):
        counts = world.counts(code=DIFFERENT, role=role)
        assert (counts["missing"], counts["recorded"]) == (AFTER + 1, BEFORE + 1)
        assert (counts["different"], counts["extra"]) == (0, 0)
    named = world.verify()
    assert named.returncode == DIFFERENT
    assert "status says Recorded, and there is no row" in named.stdout
    assert f"{searches.namespace}" in named.stdout
    assert "after-0001" in named.stdout

    # While the operator records others; and by two at once.
    with Load(searches, specs, per_second=20, at_most=100).running() as load:
        repairs = [_repairing(world) for _ in range(2)]
        for repair in repairs:
            out, errors = repair.communicate(timeout=120)
            assert repair.returncode == 0, out + errors
            assert json.loads(out)["counts"]["missing"] in {0, AFTER + 1}
    load.wait_recorded()
    again = world.counts("--repair")
    assert (again["missing"], again["repaired"], again["recordedAgain"]) == (0, 0, AFTER + 1)
    assert world.counts(role=READER)["different"] == 0

    now = {each["metadata"]["name"]: each for each in searches.listed()}
    assert versions(lost).items() <= versions(list(now.values())).items()  # nobody wrote to them
    _assert_says_the_same(recorded, {row["resource_name"]: row for row in searches.rows()})


def _repairing(world: World) -> "subprocess.Popen[str]":
    administrator = Reader.administrator(world.environment)
    return administrator.started(
        "verify", "--repair", "-o", "json", AUDIT_DATABASE_URL=world.environment.database_url()
    )


def _assert_says_the_same(before: Json, after: Json) -> None:
    """Compare rows, but for when they were recorded, and what status does not say."""
    for name, row in before.items():
        found = after[name]
        executed = "catalogue" in row["event_metadata"]
        for each in (row, found):
            if executed:
                each["event_data"].pop("search_metadata")
                each["event_metadata"].pop("catalogue")
        left_out = {"recorded_at", "position"}
        assert {k: v for k, v in found.items() if k not in left_out} == {
            k: v for k, v in row.items() if k not in left_out
        }


def test_a_base_backup_is_restored_and_the_rest_recorded_again(
    world: World, searches: Searches, tmp_path: Path
) -> None:
    postgres = world.environment.postgres
    specs = bundled_specs()
    searches.create(specs[:BEFORE], "before")
    searches.wait_recorded(BEFORE)
    base_backup(postgres, tmp_path / "base")
    searches.create(specs[-AFTER:], "after")
    searches.wait_recorded(BEFORE + AFTER)
    searches.close()
    lose(postgres)
    restore_base_backup(postgres, tmp_path / "base")

    found = world.counts("-n", searches.namespace, code=DIFFERENT)
    assert (found["missing"], found["recorded"]) == (AFTER, BEFORE)
    assert world.counts("--repair")["repaired"] == AFTER
    assert world.counts()["missing"] == 0
    searches.wait_recorded(BEFORE + AFTER)
    url = postgres.superuser_url
    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="append-only"):
        connection.execute("DELETE FROM audit_events")


def test_with_the_log_archived_the_moment_before_a_mistake_is_restored(
    world: World, searches: Searches, tmp_path: Path
) -> None:
    """Then nothing is missing, also of what has no search any more."""
    postgres, specs = world.environment.postgres, bundled_specs()
    archive = archive_log(postgres)
    searches.create(specs[:BEFORE], "before")
    searches.wait_recorded(BEFORE)
    base_backup(postgres, tmp_path / "base")
    searches.create(specs[-AFTER:], "after")
    searches.wait_recorded(BEFORE + AFTER)
    rows = {row["event_id"]: row for row in searches.rows()}
    searches.close()
    name_this_moment(postgres, "before-the-mistake")
    psql(postgres, "DROP TABLE audit_events CASCADE")
    wait_archived(postgres)
    lose(postgres)
    restore_moment(postgres, tmp_path / "base", archive, "before-the-mistake")

    assert world.counts("-n", searches.namespace)["recorded"] == BEFORE + AFTER
    assert {row["event_id"]: row for row in searches.rows()} == rows
    searches.create(specs[:3], "later")
    searches.wait_recorded(BEFORE + AFTER + 3)


def test_the_operator_compares_by_itself(world: World, searches: Searches) -> None:
    searches.create(bundled_specs()[:3])
    searches.wait_recorded(3)
    compared = eventually(
        world.operator.metrics,
        until=lambda metrics: metrics["workflow_audit_verify_last_success_timestamp_seconds"],
        within_seconds=COMPARED_SECONDS,
    )
    assert compared["workflow_audit_verify_searches"] > 0
    assert compared["workflow_audit_verify_different"] == 0
    assert compared["workflow_audit_verify_extra"] == 0
