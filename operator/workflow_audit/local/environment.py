"""Control plane and PostgreSQL together, in one folder."""

import os
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from workflow_audit.errors import LocalError
from workflow_audit.local import progress
from workflow_audit.local.binaries import control_plane_binaries
from workflow_audit.local.checked_folder import Say
from workflow_audit.local.control_plane import API_SERVER, ETCD, KUBECONFIG, MANAGER, ControlPlane
from workflow_audit.local.control_plane_flags import NO_EXTRAS, Extras
from workflow_audit.local.folders import KEEP_LOGS_VARIABLE
from workflow_audit.local.guarded_folder import guarded_folder
from workflow_audit.local.postgres import NAME, PGPASS, SUPERUSER, Postgres, libpq_url
from workflow_audit.local.postgres_programs import postgres_programs
from workflow_audit.local.servers import Server, Servers
from workflow_audit.local.state import Component, StateFile

CONTROL_PLANE_FOLDER = "control-plane"
POSTGRES_FOLDER = "postgres"

OWNER = "workflow_audit_owner"
WRITER = "workflow_audit_writer"
READER = "workflow_audit_reader"
RETENTION = "workflow_audit_retention"
ROLES = (OWNER, WRITER, READER, RETENTION)
"""Made by the migrations, without login; whoever prepares an environment gives them passwords."""

Hook = Callable[["LocalEnvironment"], None]
"""Brings something into an environment that has just become ready, e.g. CRDs or the schema."""


class LocalEnvironment:
    """A control plane and a PostgreSQL server that belong together.

    Attributes:
        folder: everything that it writes is in there.
        control_plane: etcd, kube-apiserver, kube-controller-manager.
        postgres: the server with the database `audit`.
    """

    def __init__(self, folder: Path, say: Say = progress.say, extras: Extras = NO_EXTRAS) -> None:
        """Take the environment of a folder, which exists and may be new, stopped or running.

        Binaries are found or made here, which takes minutes the very first time.

        Args:
            folder: everything that it writes is in there.
            say: shows a line to the user.
            extras: of the control plane.

        Raises:
            LocalError: they cannot be had, or the folder is not ours.
        """
        self.folder = folder
        self._state = StateFile(folder)
        missing = {SUPERUSER, *ROLES} - set(self._state.passwords)
        self._state.set_passwords({role: secrets.token_urlsafe(24) for role in sorted(missing)})
        self._servers = Servers(folder, self._state)
        binaries = control_plane_binaries(say)
        programs = postgres_programs(say)
        self._state.set_programs(control_plane=binaries, postgres=programs)
        self.control_plane = ControlPlane(
            self._servers, binaries, folder / CONTROL_PLANE_FOLDER, extras=extras
        )
        self.postgres = Postgres(self._servers, self._state, programs, folder / POSTGRES_FOLDER)

    @classmethod
    @contextmanager
    def temporary(
        cls, hooks: Sequence[Hook] = (), say: Say = progress.say, extras: Extras = NO_EXTRAS
    ) -> Iterator["LocalEnvironment"]:
        """Give a running environment that ends with the block, or with its process.

        Args:
            hooks: run in this order when it is ready.
            say: shows a line to the user.
            extras: of the control plane.
        """
        with guarded_folder(say) as folder:
            environment = cls(folder, say, extras)
            try:
                environment.start(hooks)
                yield environment
            except LocalError as error:
                raise LocalError(f"{error}\n{_where_logs_are(folder)}") from error
            finally:
                environment.stop()

    @property
    def role_passwords(self) -> dict[str, str]:
        """Passwords of the database roles, which `ALTER ROLE ... LOGIN PASSWORD` is to set."""
        return {role: self._state.password(role) for role in ROLES}

    @property
    def components(self) -> dict[str, Component]:
        """What was started and not stopped by us; its processes may have died."""
        return self._state.components

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.control_plane.kubeconfig

    def database_url(self, role: str = WRITER) -> str:
        """Give the libpq URL of a role, with password."""
        return self.postgres.url(role, self._state.password(role))

    @property
    def shell_variables(self) -> dict[str, str]:
        """What a shell needs to work with it, the operator's database URL included."""
        return shell_variables(self.folder, self._state)

    def start(self, hooks: Sequence[Hook] = ()) -> None:
        """Start what does not run, on its old data; then run the hooks, which must bear a repeat.

        Raises:
            LocalError: something does not become ready; the rest may run.
        """
        pool = ThreadPoolExecutor(max_workers=2)
        try:
            starts = [pool.submit(self.postgres.start), pool.submit(self.control_plane.start)]
            for start in wait(starts, return_when=FIRST_EXCEPTION).done:
                start.result()
        except BaseException:
            self._servers.give_up()
            raise
        finally:
            pool.shutdown()  # now nothing is started behind our back
        for hook in hooks:
            hook(self)

    def start_server(self, server: Server) -> None:
        """Start one more server, which from then on belongs to this environment.

        Raises:
            LocalError: it does not become ready; with the end of its log.
        """
        self._servers.ensure(server)

    def stop_server(self, name: str) -> None:
        """Stop such a server; one that does not run is fine."""
        self._servers.stop(name)

    def stop(self) -> None:
        """Stop everything in order; the data stays."""
        stop_in_order(self._servers)


def stop_in_order(servers: Servers) -> None:
    """Stop all servers of an environment, etcd after those that need it."""
    servers.stop(MANAGER, API_SERVER, NAME)
    servers.stop(ETCD)


def shell_variables(folder: Path, state: StateFile) -> dict[str, str]:
    """Give what a shell needs to work with the environment of a folder.

    Raises:
        LocalError: it was never started.
    """
    port = state.port(NAME)
    if port is None:
        raise LocalError(f"nothing was started in {folder} yet; run `workflow-audit local up`")
    return {
        "KUBECONFIG": str(folder / CONTROL_PLANE_FOLDER / KUBECONFIG),
        "AUDIT_DATABASE_URL": libpq_url(WRITER, state.password(WRITER), port),
        "AUDIT_RETENTION_DATABASE_URL": libpq_url(RETENTION, state.password(RETENTION), port),
        "PGPASSFILE": str(folder / POSTGRES_FOLDER / PGPASS),
        "PATH": os.pathsep.join(str(programs) for programs in state.programs.values()),
    }


def shell_exports(variables: Mapping[str, str]) -> str:
    """Give lines for `eval`; PATH is extended, the rest is set."""
    lines = []
    for name, value in variables.items():
        more = f'{os.pathsep}"$PATH"' if name == "PATH" else ""
        lines.append(f"export {name}={shlex.quote(value)}{more}")
    return "\n".join(lines)


def _where_logs_are(folder: Path) -> str:
    kept = os.environ.get(KEEP_LOGS_VARIABLE)
    if kept:
        return f"The logs are kept in {Path(kept).absolute() / folder.name}."
    return f"The environment is removed; {KEEP_LOGS_VARIABLE}=FOLDER keeps its logs the next time."
