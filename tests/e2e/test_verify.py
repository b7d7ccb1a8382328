"""`workflow-audit verify` on a real cluster: what was tampered with is named, by its field."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from support.operator_process import OperatorProcess
from support.policies import Policies
from support.reader import Done, Reader
from support.searches import Searches, bundled_specs
from workflow_audit.cli import DIFFERENT
from workflow_audit.local.environment import READER, RETENTION, WRITER, LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

COUNT = 6

LOSE_ALL = "DELETE FROM audit_events WHERE"

GUARDS = """
SELECT tgrelid::regclass, tgname FROM pg_trigger
 WHERE tgenabled = 'A' AND NOT tgisinternal
   AND tgrelid IN (SELECT relid FROM pg_partition_tree('audit_events'))
"""

REMOVED = """
INSERT INTO retention_operations (operation, cluster_id, namespace, reason, oldest, newest)
VALUES ('remove_events', %s, %s, 'a test', now() - interval '1 day', now())
"""

Json = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def operator(
    prepared_environment: LocalEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """One at work for all tests of this module."""
    log = tmp_path_factory.mktemp("verify") / "operator.log"
    with OperatorProcess(prepared_environment, log) as process:
        yield process.start().wait_ready()


@pytest.fixture
def recorded(searches: Searches) -> Searches:
    """Searches that are recorded."""
    searches.create(bundled_specs()[:COUNT])
    searches.wait_recorded(COUNT)
    return searches


def tamper(recorded: Searches, *changes: str) -> None:
    """Change rows of the namespace as a superuser who takes all protections away meanwhile."""
    url = recorded.environment.postgres.superuser_url
    with psycopg.connect(url) as superuser:
        guards = superuser.execute(GUARDS).fetchall()
        for table, name in guards:
            superuser.execute(f"ALTER TABLE {table} DISABLE TRIGGER {name}".encode())
        for change in changes:
            superuser.execute(f"{change} namespace = '{recorded.namespace}'".encode())
        for table, name in guards:
            superuser.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}".encode())


def verify(recorded: Searches, *arguments: str, role: str = READER, **variables: str) -> Done:
    """Compare the namespace, as the administrator of the cluster."""
    url = recorded.environment.database_url(role)
    given = {"AUDIT_DATABASE_URL": url} | variables
    administrator = Reader.administrator(recorded.environment)
    return administrator.run("verify", "-n", recorded.namespace, *arguments, **given)


def found(
    recorded: Searches, *arguments: str, code: int = 0, role: str = READER, **variables: str
) -> Json:
    """Give what it finds; it must end with this code."""
    done = verify(recorded, "-o", "json", *arguments, role=role, **variables)
    assert done.returncode == code, done.stdout + done.stderr
    report: Json = json.loads(done.stdout)
    return report


def test_where_all_is_well_it_says_so(recorded: Searches) -> None:
    done = verify(recorded)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{COUNT}  recorded, with their audit event" in done.stdout
    assert "everything is there: all that is compared" in done.stdout
    # A search may go once it is recorded, and its event stays.
    recorded.api.delete(f"{recorded.path}/s-0001")
    counts = found(recorded, role=WRITER)["counts"]
    assert (counts["recorded"], counts["missing"]) == (COUNT - 1, 0)


def test_what_was_tampered_with_is_named(recorded: Searches) -> None:
    tamper(
        recorded,
        "DELETE FROM audit_events WHERE resource_name = 's-0001' AND",
        "UPDATE audit_events SET correlation_id = 'rr' WHERE resource_name = 's-0002' AND",
        "UPDATE audit_events SET top_workflow_id = 'x' WHERE resource_name = 's-0003' AND",
    )
    report = found(recorded, code=DIFFERENT)
    why = {each["name"]: (each["kind"], each["why"]) for each in report["findings"]}
    assert why["s-0001"] == ("missing", "status says Recorded, and there is no row")
    assert why["s-0002"][0] == why["s-0003"][0] == "different"
    assert why["s-0002"][1].startswith("spec.correlationId: ")
    assert why["s-0003"][1].startswith("status.summary.topWorkflow: ")
    assert report["counts"]["recorded"] == COUNT - 3

    # The writer may not read who won, and says what it has compared.
    narrow = found(recorded, code=DIFFERENT, role=WRITER)
    assert {each["name"] for each in narrow["findings"]} == {"s-0001", "s-0002"}
    assert narrow["contentCompared"] is False

    repaired = found(recorded, "--repair", code=DIFFERENT, role=WRITER)
    assert (repaired["counts"]["missing"], repaired["counts"]["repaired"]) == (1, 1)
    assert recorded.row_count() == COUNT


def test_what_a_policy_forbids_is_not_repaired_and_what_is_old_is_not_missing(
    recorded: Searches, own: Policies
) -> None:
    tamper(recorded, LOSE_ALL)
    own.apply("off", enabled=False)
    report = found(recorded, "--repair", code=DIFFERENT, role=WRITER)
    assert (report["counts"]["missing"], report["counts"]["repaired"]) == (COUNT, 0)
    whys = {each["why"] for each in report["unrepaired"]}
    assert whys == {"auditing is switched off by policy AuditPolicy/off"}
    assert recorded.row_count() == 0

    # As the trace of retention has it, they were removed rightly: nothing brings them back.
    own.delete("off")
    cluster = recorded.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    with psycopg.connect(recorded.environment.postgres.superuser_url) as superuser:
        superuser.execute(REMOVED, [cluster, recorded.namespace])
    # The writer may not read it; the login of retention may.
    url = recorded.environment.database_url(RETENTION)
    report = found(recorded, "--repair", role=WRITER, AUDIT_RETENTION_DATABASE_URL=url)
    assert (report["counts"]["missing"], report["counts"]["expired"]) == (0, COUNT)
    assert recorded.row_count() == 0


def test_only_young_searches_or_all_names(recorded: Searches) -> None:
    tamper(recorded, LOSE_ALL)
    since = found(recorded, "--since", "2100-01-01")
    assert since["counts"]["searches"] == 0
    done = verify(recorded, "--all")
    assert done.returncode == DIFFERENT
    assert done.stdout.count("status says Recorded, and there is no row") == COUNT


@pytest.mark.parametrize(
    ("arguments", "role", "said"),
    [
        pytest.param([], RETENTION, "may not read audit_events; use one of", id="retention"),
        pytest.param(["--repair"], READER, "--repair needs one of workflow_audit_wr", id="reader"),
    ],
)
def test_what_it_cannot_do_is_refused(
    searches: Searches, arguments: list[str], role: str, said: str
) -> None:
    done = verify(searches, *arguments, role=role)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""


def test_whoever_may_not_list_searches_cannot_tell(searches: Searches) -> None:
    stranger = Reader.named(searches.environment, "a-stranger")
    url = searches.environment.database_url(READER)
    done = stranger.run("verify", AUDIT_DATABASE_URL=url)
    assert done.returncode == 1
    assert "cannot get resource" in done.stderr
    assert "docs/how-to/verify.md lists the rights that are needed" in done.stderr


def test_without_a_database_it_cannot_tell(searches: Searches) -> None:
    nowhere = "postgresql://workflow_audit_reader@127.0.0.1:1/audit"
    done = verify(searches, AUDIT_DATABASE_URL=nowhere)
    assert done.returncode == 1
    assert "PostgreSQL is not available" in done.stderr
