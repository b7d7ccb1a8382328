"""The command line `workflow-audit`.

Exit codes: 0 done; 1 something is wrong, said on stderr in one paragraph; 2 the command line
itself is wrong; 3 `events get` and `explain`: there is nothing of that name, `local status`: not
everything runs; 4 `verify`: something is missing, different or extra.
"""

import sys

from workflow_audit.errors import AuditError, EventNotFoundError

PROGRAM = "workflow-audit"
KUBECTL_PLUGIN = f"kubectl {PROGRAM}"

NOT_FOUND = 3
DIFFERENT = 4


def main(program: str = PROGRAM) -> None:
    """Run the command line; errors of ours become one paragraph and an exit code."""
    try:
        from workflow_audit.cli.app import app  # noqa: PLC0415 - its modules need not all of this
    except ModuleNotFoundError as missing:
        print(
            f"{program}: {missing.name} is not installed, as for the client library alone;"
            " pip install 'workflow-audit[operator]'",
            file=sys.stderr,
        )
        sys.exit(1)
    try:
        app(prog_name=program)
    except AuditError as error:
        print(f"{program}: {error}", file=sys.stderr)
        sys.exit(NOT_FOUND if isinstance(error, EventNotFoundError) else 1)


def kubectl_plugin() -> None:
    """Run it as `kubectl workflow-audit`: kubectl finds `kubectl-workflow_audit` on the PATH."""
    main(KUBECTL_PLUGIN)
