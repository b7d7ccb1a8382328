"""Build the documentation as a site into build/site, strictly and without network: `make site`.

docs/ is written for a page that hosts code: links lead to files of the repository, diagrams are
Mermaid. In the site, files outside docs/ that a page links to come along below files/, and a
diagram is the picture that was drawn of it (docs/assets/diagrams/, named by what it shows, so that
none can be out of date).
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = Path("docs")
SOURCE = ROOT / "build" / "docs"
OUTSIDE = Path("files")
"""Where files of the repository that are not documentation stand in the site."""

LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(?=[#)])")
DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def main() -> int:
    """Build it; gives the exit code of MkDocs."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    pending = [path.relative_to(ROOT) for path in (ROOT / DOCS).rglob("*") if path.is_file()]
    done: set[Path] = set()
    while pending:
        path = pending.pop()
        if path not in done:
            done.add(path)
            pending += bring(path)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--quiet"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "true"}
    return subprocess.run(command, cwd=ROOT, env=quiet, check=False).returncode


def bring(path: Path) -> list[Path]:
    """Put a file of the repository, or a list of a folder's, into the site's source.

    Gives the files that it links to.

    Raises:
        SystemExit: a link leads nowhere, or a diagram has not been drawn yet.
    """
    copy = SOURCE / site_path(path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / path).is_dir():
        files = [file for file in sorted((ROOT / path).iterdir()) if file.is_file()]
        links = "".join(f"- [{file.name}]({file.name})\n" for file in files)
        copy.write_text(f"# {path}\n\n{links}", encoding="utf-8")
        return [file.relative_to(ROOT) for file in files]
    if path.suffix != ".md":
        shutil.copyfile(ROOT / path, copy)
        return []
    text = (ROOT / path).read_text(encoding="utf-8")
    text = DIAGRAM.sub(lambda diagram: picture(diagram[1], path), text)
    linked = {link: linked_file(link, path) for link in LINK.findall(text)}
    copy.write_text(LINK.sub(lambda link: href(linked[link[1]], path), text), encoding="utf-8")
    return list(linked.values())


def site_path(path: Path) -> Path:
    """Give the place of a file or folder of the repository in the site's source."""
    page = path / "README.md" if (ROOT / path).is_dir() else path
    return page.relative_to(DOCS) if page.is_relative_to(DOCS) else OUTSIDE / page


def linked_file(link: str, page: Path) -> Path:
    """Give the file or folder of the repository that a link of a page means."""
    target = ROOT / os.path.normpath(page.parent / link)
    if not target.exists():
        sys.exit(f"{page}: {link} leads nowhere; correct it")
    return (target / "README.md" if (target / "README.md").is_file() else target).relative_to(ROOT)


def href(target: Path, page: Path) -> str:
    """Give the link from a page to a file, as the site has it."""
    return os.path.relpath(site_path(target), site_path(page).parent)


def picture(diagram: str, page: Path) -> str:
    """Give what stands in the site for a diagram: a link to its picture."""
    path = DOCS / "assets" / "diagrams" / f"{diagram_name(diagram)}.svg"
    if not (ROOT / path).is_file():
        sys.exit(
            f"{page}: {path} is missing; draw the diagram:"
            f" npx @mermaid-js/mermaid-cli --input DIAGRAM.mmd --output {path}"
        )
    return f"![Diagram]({os.path.relpath(path, page.parent)})"


def diagram_name(diagram: str) -> str:
    """Give the name of a diagram's picture, without its ending."""
    return hashlib.sha256(diagram.encode()).hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
