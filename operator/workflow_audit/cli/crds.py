"""`workflow-audit crds`."""

from pathlib import Path
from typing import Annotated

import typer

from workflow_audit.domain.crds import crd_yaml
from workflow_audit.errors import InvalidFieldError
from workflow_audit.models.kinds import GROUP, KINDS

EPILOG = """
Examples:

  workflow-audit crds --output crds

  workflow-audit crds | kubectl apply --server-side -f -

Exit codes: 0 done, 1 a file cannot be written (stderr says why).
"""


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    output: Annotated[
        Path | None, typer.Option(help="Folder for one file each; else all go to stdout.")
    ] = None,
) -> None:
    """Print or write the definitions of our resources, generated from the models."""
    for kind in KINDS:
        text = crd_yaml(kind)
        if output is None:
            typer.echo(f"---\n{text}", nl=False)
        else:
            _write(output / f"{GROUP}_{kind.plural}.yaml", text)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidFieldError(
            "--output", str(path.parent), f"cannot be written: {error}", "give another folder"
        ) from error
