"""What the image installs works: the Dockerfile's own steps, in a clean virtual environment."""

import re
import subprocess
import venv
from pathlib import Path

import pytest

from workflow_audit import __version__

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")

FROM_LOCK = ("install", "--require-hashes", "--no-deps", "-r")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of programs of an environment made as the image makes it."""
    folder = tmp_path_factory.mktemp("image")
    for name in ("workflow-audit", "build"):
        venv.create(folder / name, with_pip=True)
    python = {name: folder / name / "bin" / "python" for name in ("workflow-audit", "build")}
    pip(python["workflow-audit"], *FROM_LOCK, "locks/runtime.txt")
    pip(python["build"], *FROM_LOCK, "locks/build.txt")
    wheels = folder / "dist"
    pip(python["build"], "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), ".")
    (wheel,) = wheels.glob("*.whl")
    # Without an index, so that the lock must have all that the extra asks for.
    pip(python["workflow-audit"], "install", "--no-index", f"{wheel}[operator]")
    pip(python["workflow-audit"], "check")
    return folder / "workflow-audit" / "bin"


def pip(python: Path, *arguments: str) -> None:
    subprocess.run([python, "-m", "pip", "--quiet", *arguments], cwd=ROOT, check=True, timeout=250)


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
    )


def test_the_dockerfile_installs_what_this_test_installs() -> None:
    assert "--require-hashes --no-deps --requirement locks/runtime.txt" in DOCKERFILE
    assert "--require-hashes --no-deps --requirement locks/build.txt" in DOCKERFILE
    assert "pip wheel --no-deps --no-build-isolation" in DOCKERFILE
    assert 'pip install --no-index "$(echo dist/*.whl)[operator]"' in DOCKERFILE


def test_the_image_runs_as_a_numbered_user_and_starts_the_operator() -> None:
    assert re.search(r"^USER 65532:65532$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["workflow-audit"\]$', DOCKERFILE, re.MULTILINE)
    assert re.search(r'^CMD \["operator"\]$', DOCKERFILE, re.MULTILINE)


def test_the_image_says_where_it_comes_from() -> None:
    for argument, label in (("SOURCE", "source"), ("VERSION", "version"), ("REVISION", "revision")):
        assert re.search(rf"^ARG {argument}=", DOCKERFILE, re.MULTILINE)
        assert f'org.opencontainers.image.{label}="${{{argument}}}"' in DOCKERFILE


def test_nothing_in_the_image_depends_on_when_it_is_built() -> None:
    """Except times of files, which BuildKit rewrites: docs/how-to/supply-chain.md."""
    build_stage = DOCKERFILE.split("\nFROM ")[1]
    assert "ARG SOURCE_DATE_EPOCH" in build_stage
    into_image = re.findall(
        r"/opt/workflow-audit/bin/pip install (?:[^\n]*\\\n)*[^\n]*", DOCKERFILE
    )
    assert len(into_image) == 2
    assert all("--no-compile" in command for command in into_image)
    assert "compileall -q --invalidation-mode unchecked-hash" in DOCKERFILE


def test_everything_that_is_copied_into_the_image_exists_and_is_not_ignored() -> None:
    allowed = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert copied
    for path in " ".join(copied).split():
        assert (ROOT / path).exists(), path
        assert f"!{path.split('/')[0]}" in allowed, path


def test_the_entry_point_works_without_development_libraries(installed: Path) -> None:
    done = run(installed / "workflow-audit", "version")
    assert (done.returncode, done.stdout.strip()) == (0, __version__), done.stderr


def test_bundled_files_come_with_the_wheel(installed: Path) -> None:
    done = run(
        installed / "python",
        "-c",
        "from workflow_audit.cli.bundled import bundled;"
        "print(bundled('manifests/base/rbac'), bundled('crds'));"
        "print(bundled('examples/searches.jsonl'))",
    )
    assert done.returncode == 0, done.stderr
    assert all("site-packages" in path for path in done.stdout.split())


def test_the_dashboard_comes_with_the_wheel_and_without_grafanas_library(installed: Path) -> None:
    done = run(
        installed / "python",
        "-c",
        "from importlib.util import find_spec;"
        "from workflow_audit.domain.children.dashboard import TEMPLATE_FILE;"
        "print(TEMPLATE_FILE.is_file(), TEMPLATE_FILE, find_spec('grafana_foundation_sdk'))",
    )
    assert done.stdout.startswith("True"), done.stderr
    assert "site-packages" in done.stdout
    assert done.stdout.split()[-1] == "None"


def test_the_demo_says_what_it_needs(installed: Path) -> None:
    done = run(installed / "workflow-audit", "demo")
    assert done.returncode == 1
    assert "pip install 'workflow-audit[local]'" in done.stderr


def test_the_operator_needs_no_library_of_the_extra(installed: Path) -> None:
    done = run(installed / "python", "-c", "import workflow_audit.handlers.run")
    assert done.returncode == 0, done.stderr
