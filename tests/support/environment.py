"""The control plane and database that tests share; `tests/conftest.py` imports the fixtures."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.postgres import Postgres


@pytest.fixture(scope="session")
def local_environment() -> Iterator[LocalEnvironment]:
    """One environment for the whole session, with nothing in it: no CRDs, no schema."""
    with LocalEnvironment.temporary() as environment:
        yield environment


def kubectl(environment: LocalEnvironment, *arguments: str, kubeconfig: Path | None = None) -> str:
    """Run kubectl as the administrator, or as whom a kubeconfig says; gives what it prints.

    Raises:
        subprocess.CalledProcessError: it fails; `stderr` says why, and so does a note.
    """
    # kubectl remembers which resources there are; tests add some and take them away again.
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [environment.control_plane.kubectl, *arguments],
            env={
                "KUBECONFIG": str(kubeconfig or environment.kubeconfig),
                "HOME": "/nonexistent",
                "KUBECACHEDIR": cache,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    try:
        done.check_returncode()
    except subprocess.CalledProcessError as error:
        error.add_note(done.stderr)
        raise
    return done.stdout


_account_kubeconfigs: dict[tuple[Path, str], Path] = {}


def account_kubeconfig(environment: LocalEnvironment, account: str) -> Path:
    """Give a kubeconfig with a token of a shipped service account, as its pods have it."""
    known = environment.folder, account
    if known not in _account_kubeconfigs:
        command = ("create", "token", account, "-n", "workflow-audit", "--duration=24h")
        token = kubectl(environment, *command).strip()
        path = environment.control_plane.kubeconfig_with_token(account, token)
        _account_kubeconfigs[known] = path
    return _account_kubeconfigs[known]


def psql(postgres: Postgres, statement: str, url: str | None = None) -> str:
    """Run a statement as the superuser, or as whom a URL says; gives the bare result.

    Raises:
        subprocess.CalledProcessError: it fails; `stderr` says why.
    """
    done = subprocess.run(
        [postgres.psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement],
        env=libpq_variables(url or postgres.superuser_url),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def libpq_variables(url: str) -> dict[str, str]:
    """Give the environment in which PostgreSQL's programs work with a URL."""
    # In the environment and not in the arguments: a URL holds a password.
    parts = urlsplit(url)
    return {
        "PGHOST": str(parts.hostname),
        "PGPORT": str(parts.port),
        "PGUSER": unquote(str(parts.username)),
        "PGPASSWORD": unquote(str(parts.password)),
        "PGDATABASE": unquote(parts.path.removeprefix("/")),
    }
