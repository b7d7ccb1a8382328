"""Backups as administrators make them: PostgreSQL's own programs, and a database that is lost."""

import os
import shutil
import subprocess
from pathlib import Path

from support.environment import libpq_variables, psql
from support.eventually import eventually
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
    _put_back(postgres, folder)
    postgres.start()


def archive_log(postgres: Postgres) -> Path:
    """Have a server copy its write-ahead log away, file by file; gives where to."""
    archive = postgres.folder / "archive"
    archive.mkdir()
    _give_to_server(postgres, archive)
    for setting, value in (
        ("archive_mode", "on"),
        ("archive_command", f"test ! -f {archive}/%f && cp %p {archive}/%f"),
    ):
        psql(postgres, f"ALTER SYSTEM SET {setting} = '{value}'")
    postgres.restart()
    return archive


def name_this_moment(postgres: Postgres, name: str) -> None:
    """Let a later recovery end here."""
    psql(postgres, f"SELECT pg_create_restore_point('{name}')")


def wait_archived(postgres: Postgres) -> None:
    """Wait until all that is in the log has been copied."""
    file = psql(postgres, "SELECT pg_walfile_name(pg_switch_wal())")
    archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
    eventually(lambda: psql(postgres, archived), until=lambda last: last >= file)


def restore_moment(postgres: Postgres, folder: Path, archive: Path, name: str) -> None:
    """Put a base backup in the place of data that is lost, and go on to a named moment."""
    _put_back(postgres, folder)
    data = postgres.folder / "data"
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"restore_command = 'cp {archive}/%f %p'\n")
        settings.write(f"recovery_target_name = '{name}'\n")
        settings.write("recovery_target_action = 'promote'\n")
    signal = data / "recovery.signal"
    signal.touch()
    _give_to_server(postgres, signal)
    postgres.start()
    eventually(lambda: psql(postgres, "SELECT pg_is_in_recovery()") == "f")


def _put_back(postgres: Postgres, folder: Path) -> None:
    data = postgres.folder / "data"
    shutil.copytree(folder, data)
    _give_to_server(postgres, data, *data.rglob("*"))
    data.chmod(0o700)


def _give_to_server(postgres: Postgres, *paths: Path) -> None:
    """As root, the server is another user's."""
    owner = postgres.folder.joinpath("socket").stat()
    for path in paths:
        os.chown(path, owner.st_uid, owner.st_gid)
