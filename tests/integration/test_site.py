"""The documentation is a site without broken links, and asks nobody else for anything."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from workflow_audit.domain.children.alerts import alerts_for
from workflow_audit.models.alerting import Alerts

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "site"
NOWHERE = "http://127.0.0.1:9"
"""A proxy that is none: whoever asks for something in the network is refused."""

FOREIGN = re.compile(
    r"<(?:script|img|iframe)[^>]*\bsrc=\"?(?:https?:)?//|<link[^>]*stylesheet[^>]*//"
)


@pytest.fixture(scope="module")
def site() -> Path:
    """The site, built strictly: a link or an anchor that leads nowhere ends the build."""
    done = subprocess.run(
        [sys.executable, "tools/build_site.py"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return SITE


@pytest.fixture
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_site", ROOT / "tools" / "build_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_there(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    places = {
        path.parent if path.stem in {"index", "README"} else path.with_suffix("") for path in pages
    }
    assert [str(place) for place in places if not (site / place / "index.html").is_file()] == []


def test_nothing_comes_from_foreign_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 50
    for page in pages:
        assert not FOREIGN.search(page.read_text(encoding="utf-8")), page


def test_a_runbook_url_finds_its_section(site: Path) -> None:
    runbook = (site / "runbook" / "index.html").read_text(encoding="utf-8")
    for alert in alerts_for(Alerts()):
        assert re.search(rf"id=\"?{alert.name.lower()}\b", runbook), alert.name


def test_a_link_that_leads_nowhere_is_refused(builder: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"docs/index\.md: gone\.yaml leads nowhere"):
        builder.linked_file("gone.yaml", Path("docs/index.md"))


def test_a_diagram_that_has_changed_has_to_be_drawn_again(builder: ModuleType) -> None:
    with pytest.raises(SystemExit, match=r"draw the diagram"):
        builder.picture("flowchart LR\n  new --> diagram\n", Path("docs/index.md"))


def test_files_outside_the_documentation_come_along(site: Path) -> None:
    policies = (site / "how-to" / "gitops" / "index.html").read_text(encoding="utf-8")
    (link,) = set(re.findall(r"href=\"?([^\">]*argo-cd\.yaml)", policies))
    assert (site / "how-to" / "gitops" / link).resolve().is_file()
