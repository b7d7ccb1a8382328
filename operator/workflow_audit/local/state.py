"""What is written down about a local environment, so that another process can find and stop it.

One JSON file, readable by its owner only (it holds passwords), always whole: it is replaced in
one step. Only the owner of an environment writes it; `down` and the guardian read it.
"""

import json
import signal
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local.folders import write_private
from workflow_audit.local.processes import ProcessId

STATE_FILE = "state.json"


@dataclass(frozen=True)
class Component:
    """One process of an environment."""

    name: str
    id: ProcessId
    address: str
    """Where it listens, for people."""
    stop_signal: str
    """Name of the signal by which it stops in order."""

    @property
    def stop(self) -> tuple[ProcessId, signal.Signals]:
        """What `stop_processes` takes."""
        return self.id, signal.Signals[self.stop_signal]


@dataclass
class State:
    """All that survives the process that started an environment."""

    programs: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    components: dict[str, Component] = field(default_factory=dict)


class StateFile:
    """The state of one environment; threads may change it at the same time."""

    def __init__(self, folder: Path) -> None:
        """Read the state, or begin an empty one.

        Raises:
            LocalError: the file is not one of ours.
        """
        self.path = folder / STATE_FILE
        self._lock = threading.Lock()
        self._state = _read(self.path) if self.path.is_file() else State()

    @property
    def programs(self) -> dict[str, Path]:
        """Folders of the programs that run, by what they are for."""
        return {name: Path(folder) for name, folder in self._state.programs.items()}

    @property
    def components(self) -> dict[str, Component]:
        """All processes that were started and not stopped by us; they may have died."""
        with self._lock:
            return dict(self._state.components)

    def running(self, name: str) -> Component | None:
        """Give a component if its process runs."""
        component = self.components.get(name)
        return component if component and component.id.alive else None

    @property
    def servers(self) -> list[str]:
        """Names of all that ever ran in it."""
        with self._lock:
            return sorted(self._state.ports)

    def port(self, name: str) -> int | None:
        """Give the port that a component had last."""
        return self._state.ports.get(name)

    def password(self, role: str) -> str:
        """Give a database role's password.

        Raises:
            LocalError: no such role.
        """
        try:
            return self._state.passwords[role]
        except KeyError:
            known = ", ".join(sorted(self._state.passwords))
            raise LocalError(f"no password for the role {role!r}; known are {known}") from None

    @property
    def passwords(self) -> dict[str, str]:
        """Passwords by role."""
        return dict(self._state.passwords)

    def set_programs(self, **folders: Path) -> None:
        """Write down which programs run."""
        with self._lock:
            self._state.programs = {name: str(folder) for name, folder in folders.items()}
            self._write()

    def set_port(self, name: str, port: int) -> None:
        """Write down a port, for the next start."""
        with self._lock:
            self._state.ports[name] = port
            self._write()

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Write down passwords; the others stay."""
        with self._lock:
            self._state.passwords.update(passwords)
            self._write()

    def add(self, component: Component) -> None:
        """Write down a started process."""
        with self._lock:
            self._state.components[component.name] = component
            self._write()

    def remove(self, name: str) -> None:
        """Forget a process that was stopped."""
        with self._lock:
            self._state.components.pop(name, None)
            self._write()

    def _write(self) -> None:
        write_private(self.path, json.dumps(asdict(self._state), indent=2) + "\n")


def _read(path: Path) -> State:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        components = {
            name: Component(
                name=name,
                id=ProcessId(**item["id"]),
                address=item["address"],
                stop_signal=item["stop_signal"],
            )
            for name, item in raw["components"].items()
        }
        return State(raw["programs"], raw["ports"], raw["passwords"], components)
    except (ValueError, KeyError, TypeError) as error:
        raise LocalError(
            f"{path} cannot be understood ({error!r}); `workflow-audit local down --purge` "
            "removes the environment with its data"
        ) from error
