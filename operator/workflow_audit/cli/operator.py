"""`workflow-audit operator`."""

from typing import Annotated, Any

import typer

from workflow_audit.cli import loops
from workflow_audit.cli.logs import set_up_logs
from workflow_audit.settings.loading import load_settings

EPILOG = """
Examples:

  workflow-audit operator

  eval "$(workflow-audit local env)" && workflow-audit operator --log-format console

Settings come from the environment, `workflow-audit config` prints them; flags win. The cluster is
that of the pod's service account, or else of KUBECONFIG.

Exit codes: 0 stopped by SIGTERM or SIGINT, 1 it cannot work (stderr says why).
"""


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    log_format: Annotated[str | None, typer.Option(help="json or console.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
    http_port: Annotated[int | None, typer.Option(help="Port of /metrics and probes.")] = None,
) -> None:
    """Watch searches, write one audit event each, and show the outcome in their status."""
    flags: dict[str, dict[str, Any]] = {
        "log": _given(format=log_format, level=log_level),
        "http": _given(port=http_port),
    }
    settings = load_settings(flags)
    set_up_logs(settings.log)
    # kopf takes a while to import, which other commands need not wait for.
    from workflow_audit.handlers.run import run_operator  # noqa: PLC0415

    loops.run(run_operator(settings))


def _given(**flags: Any) -> dict[str, Any]:
    return {name: value for name, value in flags.items() if value is not None}
