"""The environment that outlives the command that started it: `workflow-audit local up`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local import progress
from workflow_audit.local.checked_folder import Say, exclusive_lock
from workflow_audit.local.control_plane import API_SERVER, ETCD, MANAGER
from workflow_audit.local.environment import (
    Hook,
    LocalEnvironment,
    shell_variables,
    stop_in_order,
)
from workflow_audit.local.folders import private_folder, state_folder
from workflow_audit.local.guardian import remove_folder, stop_all
from workflow_audit.local.postgres import NAME as POSTGRES
from workflow_audit.local.servers import Servers
from workflow_audit.local.state import STATE_FILE, StateFile

ALWAYS = (ETCD, API_SERVER, MANAGER, POSTGRES)
"""What every environment has; a hook may start more, which then belongs to it until `--purge`."""


@dataclass(frozen=True)
class ComponentStatus:
    """One line of `workflow-audit local status`."""

    component: str
    running: bool
    pid: int | None
    address: str | None


def up(hooks: Sequence[Hook] = (), say: Say = progress.say) -> LocalEnvironment:
    """Start what does not run, on the data of the last time; then run the hooks.

    Raises:
        LocalError: something does not become ready; what runs goes on running.
    """
    folder = state_folder()
    with _locked(folder, say):
        known = status()
        running = [item.component for item in known if item.running]
        if len(running) == len(known):
            say(f"already running in {folder}")
        elif running:
            say(f"running: {', '.join(running)}; starting the rest on its data")
        environment = LocalEnvironment(private_folder(folder), say)
        environment.start(hooks)
        return environment


def down(*, purge: bool = False, say: Say = progress.say) -> list[str]:
    """Stop everything; gives the names of what ran.

    Args:
        purge: remove the folder with all data too.
        say: shows a line to the user.
    """
    folder = state_folder()
    if not folder.is_dir():
        return []
    with _locked(folder, say):
        if purge:
            _require_ours(folder)
            running = [item.component for item in status(damaged_is_stopped=True) if item.running]
            stop_all(folder)
            remove_folder(folder)
            return running
        running = [item.component for item in status() if item.running]
        state = StateFile(folder)
        servers = Servers(folder, state)
        servers.stop(*_more(state))
        stop_in_order(servers)
        stop_all(folder)  # what was started by an `up` that was killed at that moment
        return running


def status(*, damaged_is_stopped: bool = False) -> list[ComponentStatus]:
    """Give the state of every component, whether anything was ever started or not."""
    folder = state_folder()
    if not folder.is_dir():
        return [ComponentStatus(name, running=False, pid=None, address=None) for name in ALWAYS]
    try:
        state = StateFile(folder)
    except LocalError:
        if not damaged_is_stopped:
            raise
        return []
    found = []
    for name in (*ALWAYS, *_more(state)):
        item = state.running(name)
        found.append(
            ComponentStatus(
                name,
                running=item is not None,
                pid=item.id.pid if item else None,
                address=item.address if item else None,
            )
        )
    return found


def variables() -> dict[str, str]:
    """Give what a shell needs to work with the environment.

    Raises:
        LocalError: not all of it runs.
    """
    stopped = [item.component for item in status() if not item.running]
    if stopped:
        raise LocalError(f"not running: {', '.join(stopped)}; run `workflow-audit local up`")
    folder = state_folder()
    return shell_variables(folder, StateFile(folder))


def has_more() -> bool:
    """Say whether a hook has ever started something more in it."""
    folder = state_folder()
    return folder.is_dir() and bool(_more(StateFile(folder)))


def _more(state: StateFile) -> list[str]:
    return [name for name in state.servers if name not in ALWAYS]


@contextmanager
def _locked(folder: Path, say: Say) -> Iterator[None]:
    # Beside the folder, because `--purge` removes the folder.
    with exclusive_lock(private_folder(folder.parent) / f".{folder.name}.lock", say):
        yield


def _require_ours(folder: Path) -> None:
    """Refuse to remove a folder that somebody named by mistake."""
    if any(folder.iterdir()) and not (folder / STATE_FILE).is_file():
        raise LocalError(
            f"{folder} has no {STATE_FILE}, so it is not an environment of ours; it is not "
            "removed. Check WORKFLOW_AUDIT_STATE"
        )
