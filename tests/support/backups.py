"""Backups as administrators make them: PostgreSQL's own programs, and a database that is lost."""

import os
import shutil
import subprocess
from pathlib import Path

from support.environment import libpq_variables
from workflow_audit.local.postgres import Postgres

SECONDS = 120


def run_program(
    postgres: Postgres, program: str, *arguments: str | Path, url: str | None = None
) -> str:
    """Run one of PostgreSQL's programs as the superuser, or as whom a URL says; gives its output.

    Raises:
        subprocess.CalledProcessError: it fails; `stderr` says why.
    """
    done = subprocess.run(
        [postgres.psql.with_name(program), *arguments],
        env=libpq_variables(url or postgres.superuser_url),
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    return done.stdout


def lose(postgres: Postgres) -> None:
    """Stop a server as a crash would, and remove all of its data."""
    postgres.stop("immediate")
    shutil.rmtree(postgres.folder / "data")


def base_backup(postgres: Postgres, folder: Path) -> None:
    """Copy all data of a running server, with the log that makes the copy whole."""
    run_program(
        postgres, "pg_basebackup", "--pgdata", folder, "--checkpoint=fast", "--wal-method=stream"
    )


def restore_base_backup(postgres: Postgres, folder: Path) -> None:
    """Put such a copy in the place of data that is lost, and start on it."""
    data = postgres.folder / "data"
    shutil.copytree(folder, data)
    owner = postgres.folder.joinpath("socket").stat()  # as root, the server is another user's
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    data.chmod(0o700)
    postgres.start()
