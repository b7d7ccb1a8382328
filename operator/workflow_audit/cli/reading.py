"""What all commands of readers share: where they read, as whom, and what they say when refused."""

import asyncio
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from workflow_audit.cli.refusals import explained
from workflow_audit.errors import ClusterError, InvalidFieldError

if TYPE_CHECKING:  # the Kubernetes client takes half a second to import
    from workflow_audit.kube.audit_events import AuditEvents
    from workflow_audit.kube.connecting import ApiServer
    from workflow_audit.kube.kubeconfig import Credentials

T = TypeVar("T")

WHERE = "Where"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Reader:
    """Somebody at the API server, reading in a namespace."""

    api: "ApiServer"
    events: "AuditEvents"
    namespace: str | None
    """None is all of them."""


@dataclass(frozen=True)
class Place:
    """Where a command was told to read; nothing of it has been looked up."""

    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", help="Else that of the context.", rich_help_panel=WHERE),
    ] = None
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Read everywhere.", rich_help_panel=WHERE)
    ] = False
    context: Annotated[
        str | None,
        typer.Option(help="Of the kubeconfig; else its current one.", rich_help_panel=WHERE),
    ] = None
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Instead of $KUBECONFIG and ~/.kube/config.", rich_help_panel=WHERE),
    ] = None

    def __post_init__(self) -> None:
        if self.namespace is not None and not _NAMESPACE.fullmatch(self.namespace):
            raise typer.BadParameter(f"{self.namespace!r} is no namespace", param_hint="-n")
        if self.namespace is not None and self.everywhere:
            raise typer.BadParameter("give -n or -A, not both", param_hint="-A")


def read(place: Place, work: Callable[[Reader], Awaitable[T]]) -> T:
    """Do something as whoever the kubeconfig says.

    Raises:
        AuditError: it cannot be done; the message says what to do.
    """
    # Only now, because help texts and mistyped options can do without.
    from workflow_audit.kube.kubeconfig import credentials  # noqa: PLC0415

    async def done(found: "Credentials") -> T:
        async with _reader(place, found) as reader:
            return await work(reader)

    try:
        return asyncio.run(done(credentials(place.kubeconfig, place.context)))
    except ClusterError as error:
        raise explained(error) from error


@asynccontextmanager
async def _reader(place: Place, found: "Credentials") -> AsyncIterator[Reader]:
    from workflow_audit.kube.audit_events import AuditEvents  # noqa: PLC0415
    from workflow_audit.kube.connecting import ApiServer  # noqa: PLC0415

    namespace = None if place.everywhere else place.namespace or found.namespace
    async with ApiServer(found.kubeconfig, found.context) as api:
        yield Reader(api, AuditEvents(api, namespace), namespace)


def present() -> datetime:
    """Give the time by this machine's clock."""
    return datetime.fromtimestamp(time.time(), UTC)


def checked(check: Callable[..., T], option: str, *arguments: object) -> T:
    """Check the value of an option.

    Raises:
        typer.BadParameter: it cannot be one, which is a wrong command line.
    """
    try:
        return check(option, *arguments)
    except InvalidFieldError as error:
        shown = f"{error.value!r} {error.rule}; {error.remedy}"
        raise typer.BadParameter(shown, param_hint=option) from error


def say_wait(error: ClusterError, seconds: float) -> None:
    """Tell why nothing comes at the moment."""
    print(f"{error}; asking again in {seconds:.0f} s", file=sys.stderr)
