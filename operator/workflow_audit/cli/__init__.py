"""The command line `workflow-audit`.

Exit codes: 0 done; 1 something is wrong, said on stderr in one paragraph; 2 the command line
itself is wrong; 3 `local status`: not everything runs.
"""

import sys

from workflow_audit.errors import AuditError


def main() -> None:
    """Run the command line; errors of ours become one paragraph and exit code 1."""
    from workflow_audit.cli.app import app  # noqa: PLC0415 - its modules need not all of this

    try:
        app()
    except AuditError as error:
        sys.exit(f"workflow-audit: {error}")
