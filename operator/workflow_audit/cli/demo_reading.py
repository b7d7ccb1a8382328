"""What the demo shows of reading: one remediation request, and somebody who may not."""

from rich.console import Console

from workflow_audit.cli.prepare import kubectl, tried_kubectl
from workflow_audit.local.environment import LocalEnvironment

STRANGER = "a-stranger"


def reading_lines(correlation_id: str, namespace: str) -> tuple[str, str]:
    """Give two lines to try: one that shows events, one that is refused."""
    select = f"--field-selector correlationId={correlation_id}"
    return (
        f"kubectl get auditevents -n {namespace} {select}",
        f"kubectl get auditevents -n {namespace} --as={STRANGER}",
    )


def show_reading(
    environment: LocalEnvironment, console: Console, correlation_id: str, namespace: str
) -> None:
    """Read events through the API server, as the administrator and as somebody without rights.

    Raises:
        LocalError: the administrator may not read.
    """
    allowed, refused = reading_lines(correlation_id, namespace)
    console.rule(allowed)
    shown = kubectl(environment, *allowed.split()[1:])
    console.print(shown, markup=False, highlight=False, soft_wrap=True)
    console.rule(refused)
    said = tried_kubectl(environment, *refused.split()[1:]).stderr
    console.print(said, markup=False, highlight=False, soft_wrap=True)
