"""Control plane binaries as Kubernetes publishes them, checked before anything is kept.

The envtest archive has a SHA-512 pinned in this package. It lacks kube-controller-manager, which
comes from dl.k8s.io with the SHA-512 that is published beside it; there TLS vouches for both.
"""

import hashlib
import http.client
import ssl
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

from workflow_audit.errors import LocalError
from workflow_audit.local.progress import Reporter, reported
from workflow_audit.local.versions import (
    CONTROLLER_MANAGER_URL,
    ENVTEST_SHA512,
    ENVTEST_URL,
    ENVTEST_VERSION,
)

CONNECT_SECONDS = 5.0
"""A network that drops packets instead of refusing must not hold up the way over Go."""
READ_SECONDS = 30.0
CHUNK_BYTES = 1 << 20
LARGEST_BYTES = 1 << 30
"""No file of ours comes near; a server that never ends must not fill the disk."""

ARCHIVED = ("etcd", "kube-apiserver", "kubectl")


@dataclass(frozen=True)
class Source:
    """Where the files of one version and platform are."""

    archive_url: str
    archive_sha512: str
    controller_manager_url: str
    """The same with `.sha512` at the end is its checksum."""


def published_source(platform: str) -> Source | None:
    """Give the source for a platform, if there is a pinned one."""
    digest = ENVTEST_SHA512.get(platform)
    if digest is None:
        return None
    system, _, architecture = platform.partition("-")
    return Source(
        ENVTEST_URL.format(version=ENVTEST_VERSION, platform=platform),
        digest,
        CONTROLLER_MANAGER_URL.format(version=ENVTEST_VERSION, os=system, arch=architecture),
    )


def download(source: Source, folder: Path) -> None:
    """Fetch all four programs into a folder.

    Raises:
        LocalError: a file cannot be had, or is not what it should be.
    """
    with (
        reported("downloading the control plane") as report,
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}.") as scratch,
    ):
        manager = Path(scratch) / "kube-controller-manager"
        # The small file first: where nothing can be reached, nothing is waited for.
        expected = _text(f"{source.controller_manager_url}.sha512").split(maxsplit=1)
        if not expected:
            raise LocalError(f"{source.controller_manager_url}.sha512 is empty")
        archive = Path(scratch) / "archive.tar.gz"
        _fetch(source.archive_url, archive, source.archive_sha512, report)
        extract(archive, ARCHIVED, folder)
        _fetch(source.controller_manager_url, manager, expected[0], report)
        manager.chmod(0o755)
        manager.rename(folder / manager.name)
        report.finish("all checksums are right")


def extract(archive: Path, names: tuple[str, ...], folder: Path) -> None:
    """Take programs out of an archive, by their own name; its folders are not made.

    Raises:
        LocalError: one is missing, or the archive tries to write elsewhere.
    """
    missing = set(names)
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path.is_absolute() or ".." in path.parts:
                    raise LocalError(f"{archive.name} is refused: it holds {member.name!r}")
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or path.name not in missing:
                    continue
                _write_program(content, folder / path.name)
                missing.discard(path.name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise LocalError(f"{archive.name} cannot be unpacked: {error}") from error
    if missing:
        raise LocalError(f"{archive.name} has no {', '.join(sorted(missing))}")


def _write_program(content: IO[bytes], target: Path) -> None:
    with target.open("wb") as file:
        while chunk := content.read(CHUNK_BYTES):
            file.write(chunk)
    target.chmod(0o755)


def _fetch(url: str, target: Path, sha512: str, report: Reporter) -> None:
    name = url.rsplit("/", 1)[-1]
    digest, done = hashlib.sha512(), 0
    with _opened(url) as response, target.open("wb") as file:
        total = response.length
        while chunk := response.read(CHUNK_BYTES):
            done += len(chunk)
            if done > LARGEST_BYTES:
                raise LocalError(f"{url} is larger than {LARGEST_BYTES} bytes")
            digest.update(chunk)
            file.write(chunk)
            report.update(f"{name}, {done >> 20} MiB", done, total)
    if digest.hexdigest() != sha512.lower():
        raise LocalError(
            f"{url} does not have its checksum: SHA-512 is {digest.hexdigest()[:16]}..., "
            f"expected {sha512[:16]}...; it was not kept"
        )


def _text(url: str) -> str:
    with _opened(url) as response:
        return response.read(CHUNK_BYTES).decode("ascii", errors="replace")


@contextmanager
def _opened(url: str) -> Iterator[http.client.HTTPResponse]:
    opener = urllib.request.build_opener(_Http, _Https, _SameScheme)
    try:
        with opener.open(url, timeout=CONNECT_SECONDS) as response:
            yield response
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors
        raise LocalError(f"{url} cannot be read: {error}") from error


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, PLR0917 - as inherited
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            raise urllib.error.HTTPError(newurl, code, "redirect to another scheme", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _HttpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _HttpsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, req, context=ssl.create_default_context())
