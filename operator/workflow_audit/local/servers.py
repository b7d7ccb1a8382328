"""Servers of one environment: each on a free port, written down, started again when asked."""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local.ports import HOST, START_ATTEMPTS, free_port, is_free, says_taken
from workflow_audit.local.processes import Child, Launch, stop_processes
from workflow_audit.local.state import Component, StateFile
from workflow_audit.local.waiting import wait_until


@dataclass(frozen=True)
class Server:
    """A program that listens on one port."""

    name: str
    launch: Callable[[int], Launch]
    """How to start it on a port."""
    ready: Callable[[int], bool]
    """Whether it does its work on that port."""
    ready_seconds: float
    """Longest wait for that."""
    stop_signal: signal.Signals = signal.SIGTERM
    """By which it stops in order."""


class Servers:
    """Starts and stops servers, and keeps the state file true; different ones in any thread."""

    def __init__(self, folder: Path, state: StateFile) -> None:
        """Take the servers that the state file knows.

        Args:
            folder: of the environment; marks its processes.
            state: where processes and ports are written down.
        """
        self._folder = folder
        self._state = state
        self._children: dict[str, Child] = {}
        self._given_up = threading.Event()
        self._ports_lock = threading.Lock()
        self._chosen: set[int] = set()

    def port(self, name: str) -> int:
        """Give a server's port.

        Raises:
            LocalError: it was never started.
        """
        port = self._state.port(name)
        if port is None:
            raise LocalError(f"{name} was not started yet, so it has no port")
        return port

    def ensure_before(self, server: Server, *dependants: str) -> None:
        """Start a server as `ensure` does; if it moved to another port, stop who calls it there."""
        before = self._state.port(server.name)
        self.ensure(server)
        if self.port(server.name) != before:
            self.stop(*dependants)

    def pids(self, *names: str) -> dict[str, int]:
        """Give the process ids of those that run."""
        found = {name: self._state.running(name) for name in names}
        return {name: component.id.pid for name, component in found.items() if component}

    def ensure(self, server: Server) -> None:
        """Start a server unless it runs, on its old port if that is free; wait until it is ready.

        Raises:
            LocalError: it does not become ready; with the end of its log.
        """
        running = self._state.running(server.name)
        if running:  # perhaps started by a run that was killed before it was ready
            wait_until(
                lambda: self._is_ready(server, self.port(server.name)),
                server.ready_seconds,
                f"{server.name} (process {running.id.pid}) answers",
            )
            return
        self._forget(server.name)  # one that died by itself: while nobody reaps it, its pid stays
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start(server, self._choose_port(server.name))
            except _PortTakenError:
                if attempt == START_ATTEMPTS:
                    raise
                continue
            return

    def give_up(self) -> None:
        """Make every start that is under way in another thread fail soon."""
        self._given_up.set()

    def stop(self, *names: str, by: signal.Signals | None = None) -> None:
        """Stop servers together and wait for their end; one that does not run is fine.

        Args:
            names: which.
            by: a signal other than the one by which they stop in order.
        """
        known = [self._state.components[name] for name in names if name in self._state.components]
        stop_processes((item.id, by) if by else item.stop for item in known)
        for item in known:
            self._forget(item.name)

    def _start(self, server: Server, port: int) -> None:
        self._require_going_on(server)
        launch = server.launch(port)
        child = Child(launch, self._folder)
        self._children[server.name] = child
        self._state.set_port(server.name, port)
        self._state.add(Component(server.name, child.id, f"{HOST}:{port}", server.stop_signal.name))
        try:
            child.wait_ready(lambda: self._is_ready(server, port), server.ready_seconds)
        except BaseException as error:
            taken = child.exit_code is not None and says_taken(child.new_log())
            stop_processes([(child.id, server.stop_signal)])
            self._forget(server.name)
            if taken:
                raise _PortTakenError(str(error)) from error
            raise

    def _is_ready(self, server: Server, port: int) -> bool:
        self._require_going_on(server)
        return server.ready(port)

    def _require_going_on(self, server: Server) -> None:
        if self._given_up.is_set():
            raise LocalError(f"{server.name} is not needed any more: the start was given up")

    def _choose_port(self, name: str) -> int:
        with self._ports_lock:
            port = self._state.port(name)
            if port is None or not is_free(port):
                port = free_port(but_not=self._chosen)
            self._chosen.add(port)
            return port

    def _forget(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child:
            child.reap()
        self._state.remove(name)


class _PortTakenError(LocalError):
    """Somebody took the port between our choice and the server's bind."""
