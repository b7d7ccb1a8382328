"""A database whose pages are in no cache of this machine, as far as that goes without root."""

import os

from workflow_audit.local.environment import LocalEnvironment


def drop_caches(environment: LocalEnvironment) -> None:
    """Restart PostgreSQL, and let the system forget its files.

    What lies below the system (a host's cache, a disk's) may still know them.
    """
    environment.postgres.stop()
    for file in (environment.postgres.folder / "data").rglob("*"):
        if file.is_file() and hasattr(os, "posix_fadvise"):
            descriptor = os.open(file, os.O_RDONLY)
            try:
                # Only pages that are on disk already are let go of.
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)
    environment.postgres.start()
