"""The spool's folder and file: of this user alone, because searches are not redacted yet."""

import os
import stat
from pathlib import Path

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = 0o077


def private_file(folder: Path, name: str) -> Path:
    """Give a file that nobody else can read or replace; made where it does not exist.

    Raises:
        OSError: the folder or file cannot be made, or is not of this user alone; says what to do.
    """
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = folder.lstat()
    if stat.S_ISLNK(found.st_mode) or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{folder} is no folder; name a folder that is no symbolic link")
    if found.st_uid != os.geteuid() or found.st_mode & OTHERS:
        raise PermissionError(
            f"{folder} is not of this user alone; name a folder inside of it, which is made with"
            " the right permissions, or: chmod 700"
        )
    path = folder / name
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    opened = os.open(path, flags, PRIVATE_FILE)
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_nlink != 1:
            raise PermissionError(f"{path} is no plain file of this user; remove it")
        os.fchmod(opened, PRIVATE_FILE)
    finally:
        os.close(opened)
    return path
