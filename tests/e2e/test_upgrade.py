"""An upgrade and its rollback: programs of today, as processes, on the schema of a later release.

The later schema is made up of revisions that are still to come; the programs are the real ones.
"""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.databases import FreshDatabase, empty_database, fresh_database
from support.api import Api
from support.eventually import eventually
from support.later_release import AFTER_NEXT, EXPANDING, NEXT, later_release
from support.operator_process import SERVING, StartOperator
from support.reading import ReadingServer, a_service_account, let_read, reading_server
from support.rest import Program
from support.searches import Load, Searches, bundled_specs
from workflow_audit.errors import LocalError
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.ports import HOST
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SPECS = bundled_specs()[:60]
TAKING_AWAY = "DROP TABLE public.later_things"
LEFT_BEHIND = (
    f"the database has schema {AFTER_NEXT}, with which only programs work that know schema {NEXT}, "
    f"but this version knows only up to {schema.NEEDED_REVISION}"
)


@pytest.fixture
def fresh(prepared_environment: LocalEnvironment) -> Iterator[FreshDatabase]:
    """A database of the test's own, which it may bring to a later schema."""
    with fresh_database(prepared_environment, "upgraded") as database:
        yield database


def operating(database: FreshDatabase) -> dict[str, str]:
    """Give the settings by which an operator uses a database."""
    return {
        "AUDIT_DATABASE_URL": database.writer,
        "AUDIT_RETENTION_DATABASE_URL": database.retention,
    }


def serving(database: FreshDatabase) -> dict[str, str]:
    """Give the settings by which the server of readers uses it."""
    return {
        "AUDIT_APISERVER_DATABASE_URL": database.reader,
        "AUDIT_INGESTION_DATABASE_URL": database.writer,
    }


def migrate(database: FreshDatabase) -> bool:
    return schema.migrate(DatabaseAddress(url=database.administrator))


def recorded(database: FreshDatabase, searches: Searches) -> list[str]:
    """Give the uids of the searches that have a row, once for each row."""
    statement = "SELECT resource_id FROM audit_events WHERE namespace = %s"
    with database.connected() as connection:
        return sorted(uid for (uid,) in connection.execute(statement, [searches.namespace]))


def wait_for_more(database: FreshDatabase, searches: Searches, more: int = 20) -> None:
    before = len(recorded(database, searches))
    eventually(lambda: len(recorded(database, searches)), until=lambda now: now > before + more)


def probed(server: ReadingServer) -> tuple[int, str]:
    """Ask the server of readers whether it is ready."""
    (port,) = [line["port"] for line in server.log_lines() if line["message"] == SERVING][-1:]
    connection = http.client.HTTPConnection(HOST, port, timeout=15)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_an_operator_records_on_through_the_migration_and_after_a_rollback(
    searches: Searches, start_operator: StartOperator, fresh: FreshDatabase
) -> None:
    """The hook migrates while the old pod runs; that is started again, and stays in the end."""
    running = start_operator(**operating(fresh)).wait_ready()
    with Load(searches, SPECS, per_second=30).running() as load, ThreadPoolExecutor(1) as hook:
        wait_for_more(fresh, searches)
        with later_release(EXPANDING):
            with fresh.connected() as reader, reader.transaction():
                reader.execute("SELECT count(*) FROM audit_events")
                migration = hook.submit(migrate, fresh)
                wait_for_more(fresh, searches, more=60)
                assert not migration.done()
            assert migration.result()
        wait_for_more(fresh, searches)
        assert running.ready()
        running.kill()
        again = start_operator(**operating(fresh)).wait_ready()
        wait_for_more(fresh, searches)
    assert not migrate(fresh)  # the hook of the rollback
    eventually(searches.some_unrecorded, until=lambda names: not names)
    found = searches.listed()
    assert load.accepted <= {item["metadata"]["name"] for item in found}
    assert recorded(fresh, searches) == sorted(item["metadata"]["uid"] for item in found)
    assert again.terminate() == 0


def test_programs_of_the_version_before_start_and_work_on_the_schema_of_the_next(
    searches: Searches,
    api: Api,
    start_operator: StartOperator,
    fresh: FreshDatabase,
    prepared_environment: LocalEnvironment,
) -> None:
    with later_release(EXPANDING):
        assert migrate(fresh)
    operator = start_operator(**operating(fresh)).wait_ready()
    user, token = a_service_account(api, searches.namespace, "robot")
    let_read(api, searches.namespace, user)
    searches.create(SPECS[:10])
    eventually(searches.some_unrecorded, until=lambda names: not names)
    with reading_server(prepared_environment, **serving(fresh)) as server:
        read = Program(server, user, token).listed(namespace=searches.namespace)
        assert sorted(read) == sorted(spec["correlationId"] for spec in SPECS[:10])
    assert operator.terminate() == 0


def test_programs_that_a_schema_leaves_behind_say_so_and_are_refused_when_they_start(
    start_operator: StartOperator, fresh: FreshDatabase, prepared_environment: LocalEnvironment
) -> None:
    operator = start_operator(**operating(fresh)).wait_ready()
    with reading_server(prepared_environment, **serving(fresh)) as server:
        with later_release(EXPANDING, TAKING_AWAY, oldest_program=NEXT):
            assert migrate(fresh)
        for status, text in (operator.probe("/readyz"), probed(server)):
            assert status == 503
            assert f"database: {LEFT_BEHIND}" in text
        assert operator.probe("/healthz") == (200, "ok\n")
    assert operator.terminate() == 0
    refused = start_operator(**operating(fresh))
    assert refused.wait() == 1
    assert LEFT_BEHIND in refused.log
    assert "run the version of workflow-audit that migrated it, or a later one" in refused.log
    with (
        pytest.raises(LocalError, match="with which only programs work that know schema"),
        reading_server(prepared_environment, **serving(fresh)),
    ):
        pass


def test_programs_of_the_next_version_wait_for_the_migration(
    searches: Searches, start_operator: StartOperator, prepared_environment: LocalEnvironment
) -> None:
    """Without Helm's hook they may be there first: they say what is missing, and then go on."""
    with empty_database(prepared_environment, "upgraded") as database:
        operator = start_operator(**operating(database))
        missing = "start: the database has schema none, this version needs"
        eventually(lambda: operator.probe("/readyz"), until=lambda seen: missing in seen[1])
        assert operator.probe("/readyz")[0] == 503
        searches.create(SPECS[:5])
        assert migrate(database)
        operator.wait_ready()
        eventually(searches.some_unrecorded, until=lambda names: not names)
        assert len(recorded(database, searches)) == 5
        assert operator.terminate() == 0
