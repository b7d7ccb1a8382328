"""Certificates are exchanged while the server runs, and an authority that is gone is gone."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workflow_audit.api.tls import ServingContext, common_name
from workflow_audit.certificates import KeyPair
from workflow_audit.local.certificates import Authority
from workflow_audit.wiring.running import utc_now

HOST = "127.0.0.1"


def authority(folder: Path, name: str) -> Authority:
    return Authority.create(folder, name, utc_now())


def put(folder: Path, name: str, pair: KeyPair) -> tuple[Path, Path]:
    """Write a pair as a mounted secret changes: new files in the place of the old ones."""
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    for path, content in zip(paths, (pair.certificate, pair.key), strict=True):
        fresh = path.with_suffix(".new")
        fresh.write_text(content)
        fresh.replace(path)
    return paths


class Listener:
    """Says to each client whom it took it for."""

    def __init__(self, tls: ServingContext) -> None:
        self._tls = tls
        self._socket = socket.create_server((HOST, 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                try:
                    with self._tls.context.wrap_socket(connection, server_side=True) as secured:
                        name = common_name(secured)  # type: ignore[arg-type]  # the same methods
                        secured.sendall(repr(name).encode())
                except OSError:
                    continue  # a client that was turned away

    def ask(self, trusted: Authority, pair: tuple[Path, Path] | None = None) -> str:
        context = ssl.create_default_context(cadata=trusted.certificate)
        if pair:
            context.load_cert_chain(*pair)
        with (
            socket.create_connection(self._socket.getsockname(), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=HOST) as secured,
        ):
            return secured.recv(100).decode()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@contextmanager
def listening(tls: ServingContext) -> Iterator[Listener]:
    listener = Listener(tls)
    try:
        yield listener
    finally:
        listener.close()


def test_the_front_proxys_authority_is_exchanged(tmp_path: Path) -> None:
    serving, old, new = (authority(tmp_path, name) for name in ("serving", "old", "new"))
    own = put(tmp_path, "tls", serving.server("us", (HOST,), utc_now()))
    before = put(tmp_path, "before", old.client("proxy", (), utc_now()))
    after = put(tmp_path, "after", new.client("proxy", (), utc_now()))
    trusted = [old.certificate]
    with listening(ServingContext(*own, lambda: trusted[0])) as listener:
        assert listener.ask(serving, before) == "'proxy'"
        assert listener.ask(serving) == "None"
        with pytest.raises(OSError, match="unknown ca"):
            listener.ask(serving, after)
        trusted[0] = new.certificate
        assert listener.ask(serving, after) == "'proxy'"
        with pytest.raises(OSError, match="unknown ca"):
            listener.ask(serving, before)
        trusted[0] = old.certificate + new.certificate
        assert {listener.ask(serving, pair) for pair in (before, after)} == {"'proxy'"}
        trusted[0] = ""
        with pytest.raises(OSError, match="unknown ca"):
            listener.ask(serving, before)
        assert listener.ask(serving) == "None"


def test_our_own_certificate_is_exchanged(tmp_path: Path) -> None:
    old, new = authority(tmp_path, "old"), authority(tmp_path, "new")
    own = put(tmp_path, "tls", old.server("us", (HOST,), utc_now()))
    with listening(ServingContext(*own, lambda: "")) as listener:
        assert listener.ask(old) == "None"
        with pytest.raises(ssl.SSLCertVerificationError):
            listener.ask(new)
        put(tmp_path, "tls", new.server("us", (HOST,), utc_now()))
        assert listener.ask(new) == "None"
        with pytest.raises(ssl.SSLCertVerificationError):
            listener.ask(old)


def test_half_an_exchange_keeps_what_was_there(tmp_path: Path) -> None:
    old = authority(tmp_path, "old")
    own = put(tmp_path, "tls", old.server("us", (HOST,), utc_now()))
    with listening(ServingContext(*own, lambda: "")) as listener:
        own[1].write_text("no key")
        assert listener.ask(old) == "None"


def test_a_certificate_of_another_purpose_is_turned_away(tmp_path: Path) -> None:
    serving = authority(tmp_path, "serving")
    own = put(tmp_path, "tls", serving.server("us", (HOST,), utc_now()))
    wrong = put(tmp_path, "wrong", serving.server("proxy", (HOST,), utc_now()))
    with (
        listening(ServingContext(*own, lambda: serving.certificate)) as listener,
        pytest.raises(OSError, match=r"alert|unsupported"),
    ):
        listener.ask(serving, wrong)


def test_a_missing_file_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"nowhere\.crt"):
        ServingContext(tmp_path / "nowhere.crt", tmp_path / "nowhere.key", lambda: "")
