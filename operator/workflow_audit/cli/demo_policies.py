"""The bundled policies: applied before the operator starts, shown when all searches are done."""

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.prepare import kubectl
from workflow_audit.local.environment import LocalEnvironment

READY_SECONDS = 60
APPLIED = ("cluster-policy.yaml", "team-policy.yaml")
"""The others name things that the demo does not have, such as a Secret."""

OF_CLUSTER = "default"
SHOWN = "payments"
"""The policy that is shown with everything that it has in place."""

ASPECTS = ("Access", "Alerts", "Dashboard", "Retention")

Json = dict[str, Any]


def apply_policies(environment: LocalEnvironment, catalogue: str) -> None:
    """Put policies of examples/policies into the cluster, as GitOps would.

    Args:
        environment: whose cluster.
        catalogue: URL at which the operator finds it, for searches without an answer.
    """
    files = [f"--filename={bundled('examples/policies') / name}" for name in APPLIED]
    kubectl(environment, "apply", "--server-side", *files)
    patch = json.dumps({"spec": {"catalogue": {"url": catalogue}}})
    where = ("clusterauditpolicy", OF_CLUSTER)
    kubectl(environment, "patch", *where, "--type=merge", f"--patch={patch}")


def show_policies(environment: LocalEnvironment, console: Console) -> None:
    """Wait until the policies are in force, and show what one of them has in place.

    Raises:
        LocalError: one does not come into force.
    """
    kinds = "clusterauditpolicies,auditpolicies"
    wait = ("wait", "--for=condition=Ready", f"--timeout={READY_SECONDS}s")
    kubectl(environment, *wait, kinds, "--all-namespaces", "--all")
    console.rule("kubectl get clusterauditpolicies,auditpolicies -A")
    table = kubectl(environment, "get", kinds, "--all-namespaces")
    console.print(table, markup=False, highlight=False, soft_wrap=True)
    policy = json.loads(kubectl(environment, "get", "auditpolicy", SHOWN, "--output=json"))
    console.rule(f"what has AuditPolicy/{SHOWN} in place?")
    console.print(in_place(policy))
    console.print()


def in_place(policy: Json) -> Table:
    """Give the objects and conditions of a policy, and what its dry run says."""
    status = policy["status"]
    table = Table(box=None, show_header=False, pad_edge=False)
    for child in status.get("children", []):
        table.add_row(
            child["kind"], f"{child.get('namespace', '')}/{child['name']}", child["state"]
        )
    for condition in status["conditions"]:
        if condition["type"] in ASPECTS:
            table.add_row(condition["type"], condition["reason"], condition["message"])
    for hold in policy["spec"]["retention"].get("legalHolds", []):
        table.add_row("legal hold", hold["name"], hold["reason"])
    if preview := status.get("retention", {}).get("wouldRemove"):
        counts = f"{preview['rows']} events, {preview['bytes']} bytes, {preview['held']} held"
        table.add_row("dry run", "would remove", counts)
    return table
