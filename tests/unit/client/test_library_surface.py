"""What agents may rely on: a change of it shows in a golden file."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import workflow_audit
from support.golden import Golden
from workflow_audit import client
from workflow_audit.client import auditing, counts, library, settings
from workflow_audit.client.counts import METRICS
from workflow_audit.client.settings import VARIABLES, ClientSettings

LIBRARY = Path(__file__).parents[3] / "docs" / "how-to" / "library.md"


def surface() -> Iterator[str]:
    """Give what is offered, as the source says it: the same under every Python."""
    for module in (auditing, counts, library, settings):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef) and node.name in client.__all__:
                yield f"class {node.name}"
                yield from (f"  {line}" for line in map(member, node.body) if line)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in client.__all__:
                yield ast.unparse(node)


def member(node: ast.stmt) -> str | None:
    """Give a public member of a class in one line."""
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    if node.name.startswith("_") and not node.name.startswith("__"):
        return None
    bare = type(node)(**{**vars(node), "body": [ast.Pass()]})
    return " ".join(ast.unparse(bare).removesuffix("pass").split())


def test_the_surface_is_as_it_was(golden: Golden) -> None:
    golden("library/surface.txt", "\n".join(surface()) + "\n")


def test_all_that_is_imported_into_the_package_is_offered() -> None:
    offered = {
        name
        for name, value in vars(client).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert sorted(client.__all__) == sorted(offered)


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(workflow_audit.__file__).parent / "py.typed").is_file()


def test_the_documentation_names_every_setting_with_its_default() -> None:
    text = LIBRARY.read_text(encoding="utf-8")
    for field, (variable,) in VARIABLES.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{variable}`")]
        default = ClientSettings.model_fields[field].default
        if isinstance(default, bool):
            assert f"`{str(default).lower()}`" in row
        elif isinstance(default, int | float | str):
            assert f"`{default}`" in row, row


def test_the_documentation_names_every_metric() -> None:
    text = LIBRARY.read_text(encoding="utf-8")
    for name in METRICS:
        assert f"`{name}`" in text
