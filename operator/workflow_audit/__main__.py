"""`python -m workflow_audit` is `workflow-audit`."""

from workflow_audit.cli import main

if __name__ == "__main__":
    main()
