"""Commands against the real servers that they are for."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.environment import kubectl, psql
from workflow_audit.local.environment import LocalEnvironment

pytestmark = [pytest.mark.cluster, pytest.mark.database]

PROGRAM = Path(sys.executable).with_name("workflow-audit")
CRDS = Path(__file__).parents[3] / "crds"


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AUDIT_", "PG"))}
    return subprocess.run(
        [PROGRAM, *arguments],
        env=inherited | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_what_crds_prints_can_be_applied(
    prepared_environment: LocalEnvironment, tmp_path: Path
) -> None:
    (tmp_path / "crds.yaml").write_text(run("crds").stdout)
    apply = ("apply", "--server-side", "--dry-run=server", "--warnings-as-errors", "-f")
    done = kubectl(prepared_environment, *apply, str(tmp_path / "crds.yaml"))
    assert "workflowsearches.audit.kubernaut.ai serverside-applied" in done


def test_an_upgrade_of_the_definitions_says_which_were_others(
    prepared_environment: LocalEnvironment,
) -> None:
    def upgraded() -> dict[str, str]:
        done = run("crds", "--upgrade", KUBECONFIG=str(prepared_environment.kubeconfig))
        assert done.returncode == 0, done.stderr
        lines = (line.split() for line in done.stdout.splitlines())
        return {name.partition(".")[0]: outcome for name, outcome in lines}

    unchanged = dict.fromkeys(
        ("workflowsearches", "auditpolicies", "clusterauditpolicies"), "unchanged"
    )
    upgraded()
    assert upgraded() == unchanged
    path = "/spec/versions/0/additionalPrinterColumns"
    remove = ("--type=json", "--patch", f'[{{"op": "remove", "path": "{path}"}}]')
    kubectl(prepared_environment, "patch", "crd", "auditpolicies.audit.kubernaut.ai", *remove)
    assert upgraded() == unchanged | {"auditpolicies": "upgraded"}
    assert upgraded() == unchanged


def test_migrate_says_when_there_is_nothing_to_do(prepared_environment: LocalEnvironment) -> None:
    done = run("migrate", AUDIT_DATABASE_URL=prepared_environment.postgres.superuser_url)
    assert (done.returncode, done.stdout) == (0, "schema is up to date already\n"), done.stderr


def test_migrate_without_the_rights_is_one_paragraph(
    prepared_environment: LocalEnvironment,
) -> None:
    url = prepared_environment.database_url()
    password = prepared_environment.role_passwords["workflow_audit_writer"]
    done = run("migrate", AUDIT_DATABASE_URL=url.replace("/audit", "/postgres"))
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("workflow-audit: ")
    assert "Traceback" not in done.stderr
    assert password not in done.stderr


def test_migrate_with_a_wrong_password_does_not_show_it(
    prepared_environment: LocalEnvironment,
) -> None:
    password = prepared_environment.role_passwords["workflow_audit_writer"]
    url = prepared_environment.database_url().replace(password, "correct-horse-demo")
    done = run("migrate", AUDIT_DATABASE_URL=url)
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert "correct-horse-demo" not in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_waits_for_a_database_as_long_as_it_is_told() -> None:
    nobody = "postgresql://127.0.0.1:1/audit"
    done = run("migrate", "--wait", "3", AUDIT_DATABASE_URL=nobody)
    assert done.returncode == 1
    waited, said = done.stderr.splitlines()[0], done.stderr.splitlines()[-1]
    assert waited.startswith("waiting: ")
    assert "connection refused" in said
    at_once = run("migrate", AUDIT_DATABASE_URL=nobody)
    assert (at_once.returncode, "waiting" in at_once.stderr) == (1, False)


def test_migrate_lets_roles_log_in(prepared_environment: LocalEnvironment, tmp_path: Path) -> None:
    postgres = prepared_environment.postgres
    psql(postgres, "CREATE ROLE trial_reader")
    (tmp_path / "trial_reader").write_text("as it is mounted\n")
    (tmp_path / "..data").mkdir()
    command = ("migrate", "--passwords-from", str(tmp_path))
    done = run(*command, AUDIT_DATABASE_URL=postgres.superuser_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "trial_reader may log in"
    url = postgres.url("trial_reader", "as it is mounted", "postgres")
    assert psql(postgres, "SELECT current_user", url) == "trial_reader"
    psql(postgres, "DROP ROLE trial_reader")


def test_migrate_names_a_folder_of_passwords_that_cannot_be_read(tmp_path: Path) -> None:
    done = run("migrate", "--passwords-from", str(tmp_path / "none"))
    assert done.returncode == 1
    assert done.stderr.startswith("workflow-audit: --passwords-from: ")
    assert "name a folder with a text file for each role" in done.stderr


DEFINITION = "customresourcedefinition/auditpolicies.audit.kubernaut.ai"


def test_definitions_of_a_cluster_are_upgraded(prepared_environment: LocalEnvironment) -> None:
    """Whoever has installed them and owns what is in them."""
    environment = prepared_environment
    kubeconfig = str(environment.kubeconfig)
    columns = "jsonpath={.spec.versions[0].additionalPrinterColumns[*].name}"
    shipped = kubectl(environment, "get", DEFINITION, "-o", columns)
    old = '[{"op": "replace", "path": "/spec/versions/0/additionalPrinterColumns", "value": []}]'
    kubectl(environment, "patch", DEFINITION, "--type=json", f"--patch={old}")
    assert kubectl(environment, "get", DEFINITION, "-o", columns) == ""
    done = run("crds", "--upgrade", KUBECONFIG=kubeconfig)
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.splitlines()) == [
        "auditpolicies.audit.kubernaut.ai upgraded",
        "clusterauditpolicies.audit.kubernaut.ai unchanged",
        "workflowsearches.audit.kubernaut.ai unchanged",
    ]
    assert kubectl(environment, "get", DEFINITION, "-o", columns) == shipped


def test_definitions_can_be_applied_after_an_upgrade(
    prepared_environment: LocalEnvironment,
) -> None:
    """The upgrade writes what a file says, so whoever applies the file has no conflict with it."""
    done = run("crds", "--upgrade", KUBECONFIG=str(prepared_environment.kubeconfig))
    assert (done.returncode, done.stderr) == (0, "")
    apply = ("apply", "--server-side", "--dry-run=server", "-f", str(CRDS))
    assert kubectl(prepared_environment, *apply).count("serverside-applied") == 3
    shown = kubectl(prepared_environment, "get", DEFINITION, "-o", "json", "--show-managed-fields")
    managers = {entry["manager"] for entry in json.loads(shown)["metadata"]["managedFields"]}
    assert "OpenAPI-Generator" not in managers  # the library's name, when ours is not given


def test_definitions_are_upgraded_only_by_who_may(prepared_environment: LocalEnvironment) -> None:
    other = prepared_environment.control_plane.kubeconfig_for("nobody")
    done = run("crds", "--upgrade", KUBECONFIG=str(other))
    assert done.returncode == 1
    assert "forbidden" in done.stderr


def test_what_is_a_choice_is_not_applied_with_the_rest(
    prepared_environment: LocalEnvironment,
) -> None:
    roles = kubectl(prepared_environment, "get", "clusterroles", "--output=name")
    assert "workflow-audit-operator" in roles
    assert "reading-for-viewers" not in roles
