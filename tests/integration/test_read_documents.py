"""What the pages may contain, and what of it is not run; e2e/test_documented_commands runs it."""

import re
from pathlib import Path

import pytest

from support.documents import (
    COMMANDS,
    OTHERS,
    PAGES,
    ROOT,
    Command,
    blocks,
    console_commands,
    has_shape,
    page_name,
)
from support.exported import series
from support.golden import Golden


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_block_is_of_a_kind_that_is_known(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = list(blocks(text))
    assert {block.language for block in found} <= COMMANDS | OTHERS
    assert text.count("```") == 2 * len(found)


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_test_that_a_page_names_exists(page: Path) -> None:
    """So the guarantees are proven by what they say."""
    text = page.read_text(encoding="utf-8")
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text):
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), name


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_metrics_that_a_page_names_are_exported(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\bworkflow_audit_\w*(?:_total|_seconds|_bytes|_rows)\b", text))
    exported = {name.removesuffix(part) for name in series() for part in ("", "_bucket", "_count")}
    of_the_library = {name for name in named if name.startswith("workflow_audit_client_")}
    assert named - exported <= of_the_library


def test_what_is_not_run_and_why(golden: Golden) -> None:
    lines = [
        f"{page_name(page)}: {block.not_run}: {block.text.splitlines()[0]}\n"
        for page in PAGES
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.not_run and block.language in COMMANDS
    ]
    golden("documentation/not-run.txt", "".join(lines))


def test_a_page_gives_its_blocks_with_what_is_said_of_them() -> None:
    page = """
<!-- not run: needs a cluster -->
```sh
helm install
```
1. An item

   ```console
   $ pwd
   ```

<!-- file: policy.yaml -->
```yaml
kind: AuditPolicy
```
"""
    first, second, third = blocks(page)
    assert (first.language, first.text) == ("sh", "helm install\n")
    assert first.not_run == "needs a cluster"
    assert (second.language, second.text, second.not_run) == ("console", "$ pwd\n", None)
    assert (third.file, third.not_run) == ("policy.yaml", None)


def test_commands_are_told_from_what_they_print() -> None:
    block = "$ cat <<END\n> one\n> END\none\n$ false\nerror: no\n"
    assert list(console_commands(block)) == [
        Command("cat <<END\none\nEND", ("one",)),
        Command("false", ("error: no",)),
    ]
    assert [command.fails for command in console_commands(block)] == [False, True]
    with pytest.raises(ValueError, match="no command"):
        list(console_commands("ls\n"))


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        pytest.param("NAME  AGE\na     3s\n", ("NAME AGE", "a 17m"), True, id="a-number-for-any"),
        pytest.param("NAME  AGE\nb     3s\n", ("NAME AGE", "a 17m"), False, id="another-word"),
        pytest.param("NAME  AGE\n", ("NAME AGE", "a 17m"), False, id="a-line-less"),
        pytest.param("a\nb\nc\n", ("a",), False, id="lines-more"),
        pytest.param("a\nb\nc\n", ("a", "..."), True, id="any-lines-after"),
        pytest.param("a\nb\nc\n", ("...", "c"), True, id="any-lines-before"),
        pytest.param("a\nb\nc\n", ("a", "...", "d"), False, id="not-what-follows-them"),
        pytest.param("search-x7k2p created\n", ("search-9abcd created",), True, id="a-name"),
        pytest.param("a b\n", ("a",), False, id="words-more"),
    ],
)
def test_shapes(printed: str, shown: tuple[str, ...], *, same: bool) -> None:
    assert has_shape(printed, shown) is same
