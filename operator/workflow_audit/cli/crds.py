"""`workflow-audit crds`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import yaml

from workflow_audit.domain.crds import crd_yaml
from workflow_audit.errors import InvalidFieldError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.definitions import upgrade_definition
from workflow_audit.models.kinds import GROUP, KINDS

EPILOG = """
Examples:

  workflow-audit crds --output crds

  workflow-audit crds | kubectl apply --server-side -f -

  workflow-audit crds --upgrade

The cluster is that of the pod's service account, or else of KUBECONFIG; an upgrade needs the verbs
get and update on the three definitions.

Exit codes: 0 done, 1 a file cannot be written, or the cluster refuses (stderr says why).
"""


app = typer.Typer(add_completion=False, rich_markup_mode="rich")


@app.command(epilog=EPILOG)
def run(
    output: Annotated[
        Path | None, typer.Option(help="Folder for one file each; else all go to stdout.")
    ] = None,
    *,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring those of the cluster to this version instead.")
    ] = False,
) -> None:
    """Print or write the definitions of our resources, generated from the models."""
    if upgrade:
        asyncio.run(_upgrade())
        return
    for kind in KINDS:
        text = crd_yaml(kind)
        if output is None:
            typer.echo(f"---\n{text}", nl=False)
        else:
            _write(output / f"{GROUP}_{kind.plural}.yaml", text)


async def _upgrade() -> None:
    async with ApiServer() as api:
        for kind in KINDS:
            wanted = yaml.safe_load(crd_yaml(kind))
            changed = await upgrade_definition(api, wanted)
            typer.echo(f"{wanted['metadata']['name']} {'upgraded' if changed else 'unchanged'}")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidFieldError(
            "--output", str(path.parent), f"cannot be written: {error}", "give another folder"
        ) from error
