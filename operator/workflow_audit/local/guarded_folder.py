"""Temporary folders that do not outlive their owner, with all that was started in them."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_audit.local.checked_folder import Say, exclusive_lock
from workflow_audit.local.folders import TRAVERSABLE_FOLDER, is_root, temporary_base
from workflow_audit.local.guardian import Guardian, clean_up, is_guarded


@contextmanager
def guarded_folder(say: Say) -> Iterator[Path]:
    """Give a new folder; when the block ends, or its process dies, all of it is cleaned up."""
    base = temporary_base()
    # Under the lock a folder without a guardian is one of a run that was killed with its guardian.
    with exclusive_lock(base / "temporary-folders.lock", say):
        for folder in base.iterdir():
            if folder.is_dir() and not is_guarded(folder):
                say(f"removing what a killed run left behind: {folder}")
                clean_up(folder)
        folder = Path(tempfile.mkdtemp(dir=base))
        if is_root():
            folder.chmod(TRAVERSABLE_FOLDER)
        guardian = Guardian(folder)
    try:
        yield folder
    finally:
        guardian.release()
