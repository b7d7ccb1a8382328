"""Where the local environment keeps its files, and who may reach them."""

import os
import tempfile
from pathlib import Path

import platformdirs

from workflow_audit.errors import LocalError

APPLICATION = "workflow-audit"

CACHE_VARIABLE = "WORKFLOW_AUDIT_CACHE"
"""Folder of the binaries; they are made once per machine and user."""

STATE_VARIABLE = "WORKFLOW_AUDIT_STATE"
"""Folder of the background environment (`workflow-audit local up`)."""

KEEP_LOGS_VARIABLE = "WORKFLOW_AUDIT_KEEP_LOGS"
"""Folder to which a temporary environment copies its logs before it is removed."""

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
TRAVERSABLE_FOLDER = 0o711
"""Everybody may pass to what they know by name, nobody else may list; for root's folders only."""
PUBLIC_FOLDER = 0o755


def is_root() -> bool:
    """PostgreSQL refuses uid 0, so that root needs folders which another user can reach."""
    return os.geteuid() == 0


def cache_folder() -> Path:
    """Give the cache folder, made if need be and readable for everybody."""
    given = os.environ.get(CACHE_VARIABLE)
    if given:
        folder = Path(given).expanduser().absolute()
    elif is_root():
        folder = platformdirs.site_cache_path(APPLICATION)
    else:
        folder = platformdirs.user_cache_path(APPLICATION)
    return _made(folder, PUBLIC_FOLDER, f"set {CACHE_VARIABLE} to a folder that you may write to")


def state_folder() -> Path:
    """Give the folder of the background environment, which need not exist."""
    given = os.environ.get(STATE_VARIABLE)
    if given:
        return Path(given).expanduser().absolute()
    if is_root():
        return platformdirs.site_state_path(APPLICATION) / "local"
    return platformdirs.user_state_path(APPLICATION) / "local"


def temporary_base() -> Path:
    """Give the folder in which temporary environments of this user live."""
    base = Path(tempfile.gettempdir()) / f"{APPLICATION}-{os.geteuid()}"
    made = private_folder(base)
    if made.stat().st_uid != os.geteuid() or made.is_symlink():
        raise LocalError(f"{base} belongs to somebody else; set TMPDIR to a folder of your own")
    return made


def private_folder(folder: Path) -> Path:
    """Make a folder of ours; as root others may pass through it, but see nothing."""
    mode = TRAVERSABLE_FOLDER if is_root() else PRIVATE_FOLDER
    return _made(folder, mode, f"set TMPDIR or {STATE_VARIABLE} to a folder that you may write to")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)  # mkstemp gives mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def require_passage(path: Path, user: str) -> None:
    """Refuse a folder that an unprivileged user cannot reach, naming the one that is closed.

    Raises:
        LocalError: a parent folder has no x permission for others.
    """
    for parent in path.absolute().parents:
        if not parent.stat().st_mode & 0o001:
            raise LocalError(
                f"{path}: user {user!r}, as whom PostgreSQL runs, cannot pass {parent}; "
                f"set {CACHE_VARIABLE}, {STATE_VARIABLE} and TMPDIR to folders outside of it"
            )


def _made(folder: Path, mode: int, remedy: str) -> Path:
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)  # whatever the umask says
    except OSError as error:
        raise LocalError(f"{folder}: cannot be made ({error.strerror}); {remedy}") from error
    return folder
