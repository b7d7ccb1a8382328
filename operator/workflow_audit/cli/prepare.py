"""Bring resource definitions, admission policies, rights and the schema into an environment."""

import subprocess

from workflow_audit.cli.bundled import bundled
from workflow_audit.errors import LocalError
from workflow_audit.local.environment import RETENTION, LocalEnvironment
from workflow_audit.local.waiting import wait_until
from workflow_audit.store import schema
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.store.roles import allow_logins

OPERATOR = "system:serviceaccount:workflow-audit:workflow-audit-operator"
OPERATOR_GROUPS = ("system:serviceaccounts", "system:serviceaccounts:workflow-audit")
"""The identity of the shipped service account, so that the shipped rights are what is used."""

MANIFESTS = (
    "base/namespace.yaml",
    "base/rbac",
    "base/admission",
    "components/http-ingestion/rights.yaml",
)
"""What everybody needs, and searches by HTTP; what else there is under manifests/ is for those who
choose it."""

KUBECTL_SECONDS = 60
POLICIES_SECONDS = 30.0

NOT_SERVED_YET = "There can be a delay between when CustomResourceDefinitions are created"
"""What the API server answers for some moments after a definition is established."""

PROBE_SEARCH = """
apiVersion: audit.kubernaut.ai/v1alpha1
kind: WorkflowSearch
metadata: {name: is-the-requester-stamped, namespace: default}
spec:
  correlationId: probe
  query: {text: probe}
  failure: {code: Probe}
"""


def prepare(environment: LocalEnvironment) -> None:
    """Make an environment ready for the operator; bears a repeat.

    Raises:
        LocalError: the API server refuses something.
        DatabaseError: the schema cannot be brought up to date.
    """
    prepare_database(environment)
    prepare_cluster(environment)


def prepare_database(environment: LocalEnvironment) -> None:
    """Migrate the schema and let its roles log in."""
    administrator = DatabaseAddress(url=environment.postgres.superuser_url)
    schema.migrate(administrator)
    allow_logins(administrator, environment.role_passwords)


def prepare_cluster(environment: LocalEnvironment) -> None:
    """Apply definitions, policies and rights, and wait until they are in force."""
    kubectl(environment, "apply", "--server-side", "-f", str(bundled("crds")))
    kubectl(environment, "wait", "--for=condition=Established", "-f", str(bundled("crds")))
    folders = [f"--filename={bundled('manifests') / name}" for name in MANIFESTS]
    kubectl(environment, "apply", "--server-side", *folders)
    wait_until(lambda: _stamps(environment), POLICIES_SECONDS, "the admission policies")


def operator_environment(environment: LocalEnvironment) -> dict[str, str]:
    """Give the variables with which an operator runs under exactly its shipped rights."""
    kubeconfig = environment.control_plane.kubeconfig_for(OPERATOR, OPERATOR_GROUPS)
    return {
        "KUBECONFIG": str(kubeconfig),
        "AUDIT_DATABASE_URL": environment.database_url(),
        "AUDIT_RETENTION_DATABASE_URL": environment.database_url(RETENTION),
    }


def kubectl(environment: LocalEnvironment, *arguments: str, stdin: str = "") -> str:
    """Run kubectl as the administrator and give what it prints.

    Raises:
        LocalError: it fails; with its own words.
    """
    done = tried_kubectl(environment, *arguments, stdin=stdin)
    if done.returncode != 0:
        raise LocalError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def tried_kubectl(
    environment: LocalEnvironment, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run kubectl as the administrator; the caller judges its exit code."""
    return subprocess.run(  # noqa: S603 - our own kubectl
        kubectl_command(environment, *arguments),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=KUBECTL_SECONDS,
        check=False,
    )


def kubectl_command(environment: LocalEnvironment, *arguments: str) -> list[str]:
    """Give the command line of kubectl as the administrator."""
    program = str(environment.control_plane.kubectl)
    return [program, f"--kubeconfig={environment.kubeconfig}", *arguments]


def _stamps(environment: LocalEnvironment) -> bool:
    output = "jsonpath={.spec.requestedBy}"
    dry_run = ("create", "--dry-run=server", "-f", "-", "-o", output)
    try:
        return bool(kubectl(environment, *dry_run, stdin=PROBE_SEARCH))
    except LocalError as error:
        if NOT_SERVED_YET in str(error):
            return False
        raise
