"""Files that come with the product: in the wheel beside the code, in a checkout at its top."""

from pathlib import Path

from workflow_audit.errors import LocalError

PACKAGE = Path(__file__).parents[1]


def bundled(name: str) -> Path:
    """Give the path of a bundled folder or file, such as `crds` or `examples/searches.jsonl`.

    Raises:
        LocalError: it is nowhere, so the installation is damaged.
    """
    for root in (PACKAGE / "_data", PACKAGE.parents[1]):
        if (root / name).exists():
            return root / name
    raise LocalError(f"{name} is missing from the installation; install workflow-audit again")
