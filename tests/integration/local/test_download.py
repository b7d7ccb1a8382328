"""The downloader against a server on this machine, with archives that the tests make."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from workflow_audit.errors import LocalError
from workflow_audit.local.download import Source, download, extract, published_source

MANAGER = b"controller manager"
CONTENT = {"etcd": b"etcd", "kube-apiserver": b"api server", "kubectl": b"kubectl"}


@dataclass
class Site:
    """What a server offers."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def site() -> Iterator[Site]:
    offered = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path in offered.redirects:
                self.send_response(302)
                self.send_header("Location", offered.redirects[self.path])
                self.end_headers()
                return
            content = offered.files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        offered.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield offered
        server.shutdown()
        thread.join()


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def published(site: Site, content: bytes) -> Source:
    site.files = {
        "/envtest.tar.gz": content,
        "/kube-controller-manager": MANAGER,
        "/kube-controller-manager.sha512": hashlib.sha512(MANAGER).hexdigest().encode() + b"\n",
    }
    digest = hashlib.sha512(content).hexdigest()
    return Source(f"{site.url}/envtest.tar.gz", digest, f"{site.url}/kube-controller-manager")


def good_archive() -> bytes:
    return archive({f"controller-tools/envtest/{name}": text for name, text in CONTENT.items()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    folder.mkdir()
    return folder


def test_all_four_programs_arrive_executable(site: Site, folder: Path) -> None:
    download(published(site, good_archive()), folder)
    arrived = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert arrived == {**CONTENT, "kube-controller-manager": MANAGER}
    assert all(path.stat().st_mode & 0o111 for path in folder.iterdir())
    assert [path.name for path in folder.parent.iterdir()] == ["new"]


def test_redirects_are_followed(site: Site, folder: Path) -> None:
    source = published(site, good_archive())
    site.files["/mirror"] = site.files.pop("/envtest.tar.gz")
    site.redirects["/envtest.tar.gz"] = f"{site.url}/mirror"
    download(source, folder)
    assert (folder / "etcd").is_file()


def test_redirect_to_another_scheme_is_refused(site: Site, folder: Path) -> None:
    source = published(site, good_archive())
    site.redirects["/envtest.tar.gz"] = "https://127.0.0.1:1/envtest.tar.gz"
    with pytest.raises(LocalError, match="redirect to another scheme"):
        download(source, folder)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        pytest.param("/envtest.tar.gz", b"something else", id="archive"),
        pytest.param("/kube-controller-manager", b"something else", id="controller-manager"),
    ],
)
def test_wrong_checksum_is_refused(site: Site, folder: Path, path: str, content: bytes) -> None:
    source = published(site, good_archive())
    site.files[path] = content
    with pytest.raises(LocalError, match=rf"{path} does not have its checksum"):
        download(source, folder)
    assert not (folder / path.lstrip("/")).exists()


@pytest.mark.parametrize(
    "path", ["/envtest.tar.gz", "/kube-controller-manager", "/kube-controller-manager.sha512"]
)
def test_missing_file_is_named(site: Site, folder: Path, path: str) -> None:
    source = published(site, good_archive())
    del site.files[path]
    with pytest.raises(LocalError, match=rf"{path} cannot be read: HTTP Error 404"):
        download(source, folder)


def test_server_that_is_not_there_is_named(folder: Path) -> None:
    source = Source("http://127.0.0.1:1/a", "0", "http://127.0.0.1:1/m")
    with pytest.raises(LocalError, match=r"http://127\.0\.0\.1:1/m\.sha512 cannot be read"):
        download(source, folder)


@pytest.mark.parametrize(
    ("members", "finding"),
    [
        pytest.param({"a/../../etcd": b"x"}, "is refused: it holds 'a/../../etcd'", id="upwards"),
        pytest.param({"/bin/etcd": b"x"}, "is refused: it holds '/bin/etcd'", id="absolute"),
        pytest.param({"a/etcd": b"x"}, "has no kube-apiserver, kubectl", id="incomplete"),
    ],
)
def test_bad_archives(tmp_path: Path, members: dict[str, bytes], finding: str) -> None:
    path, target = tmp_path / "archive.tar.gz", tmp_path / "deep" / "target"
    path.write_bytes(archive(members))
    target.mkdir(parents=True)
    with pytest.raises(LocalError, match=finding):
        extract(path, ("etcd", "kube-apiserver", "kubectl"), target)
    assert {item.name for item in tmp_path.iterdir()} == {"archive.tar.gz", "deep"}


def test_links_in_an_archive_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("etcd")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(LocalError, match="has no etcd"):
        extract(path, ("etcd",), tmp_path)


@pytest.mark.parametrize("content", [b"no archive", good_archive()[:60]], ids=["none", "cut"])
def test_broken_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive.tar.gz").write_bytes(content)
    with pytest.raises(LocalError, match="cannot be unpacked"):
        extract(tmp_path / "archive.tar.gz", ("etcd",), tmp_path)


def test_what_is_published_comes_from_its_makers() -> None:
    source = published_source("linux-arm64")
    assert source is not None
    assert source.archive_url.startswith("https://github.com/kubernetes-sigs/controller-tools/")
    assert source.archive_url.endswith("linux-arm64.tar.gz")
    assert source.controller_manager_url.startswith("https://dl.k8s.io/v1.37")
    assert "/bin/linux/arm64/" in source.controller_manager_url
    assert published_source("darwin-arm64") is None
