"""Without cert-manager the operator makes the certificate of the server of readers.

It exchanges it while people read: each of their connections is verified, and none fails.
"""

import ssl
import subprocess
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from cryptography import x509

from support.api import MERGE_PATCH, Api
from support.environment import kubectl
from support.eventually import eventually
from support.operator_process import OperatorProcess, StartOperator
from support.reading import an_event, write
from workflow_audit.certificates import Signer, new_key
from workflow_audit.cli import prepare
from workflow_audit.cli.bundled import bundled
from workflow_audit.cli.local_apiserver import HOSTS, Serving, registration, running_apiserver
from workflow_audit.cli.prepare import OPERATOR, OPERATOR_GROUPS
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.local.folders import write_private
from workflow_audit.local.ports import HOST
from workflow_audit.models.auditlog import API_SERVICE, TLS_SECRET
from workflow_audit.wiring.running import utc_now

pytestmark = [pytest.mark.cluster, pytest.mark.database, pytest.mark.slow]

SECRETS = "/api/v1/namespaces/workflow-audit/secrets"
SECRET = f"{SECRETS}/{TLS_SECRET}"
API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
RIGHTS = bundled("manifests/base/certificates/by-operator.yaml")
NAMES = (HOSTS[0], f"{HOSTS[0]}.cluster.local")
MANAGE = {"AUDIT_OPERATOR_MANAGE_CERTIFICATES": "true"}
MANAGED = {"app.kubernetes.io/managed-by": "workflow-audit-operator"}
NAMESPACE = "certificates"

Json = dict[str, Any]


@pytest.fixture
def granted(prepared_environment: LocalEnvironment, api: Api) -> Iterator[LocalEnvironment]:
    """The operator's opt-in rights, and an API that nobody serves yet."""
    manifests = yaml.safe_dump_all(registration(1, None))
    kubectl(prepared_environment, "apply", "--server-side", "-f", str(RIGHTS))
    prepare.kubectl(prepared_environment, "apply", "--server-side", "-f", "-", stdin=manifests)
    yield prepared_environment
    for path in (f"{API_SERVICES}/{API_SERVICE}", SECRET):
        api.delete(path)
    kubectl(prepared_environment, "delete", "-f", str(RIGHTS))


def stored(api: Api) -> dict[str, str]:
    answer = api.request("GET", SECRET)
    data = answer.body.get("data", {}) if answer.ok else {}
    return {name: b64decode(text).decode(errors="replace") for name, text in data.items()}


def told(api: Api) -> str:
    bundle = api.get(f"{API_SERVICES}/{API_SERVICE}")["spec"].get("caBundle", "")
    return b64decode(bundle).decode()


def wait_served(api: Api, *, other_than: str = "") -> dict[str, str]:
    """Wait until the Secret has a certificate, and nothing is put aside."""

    def served(data: dict[str, str]) -> bool:
        return data.get("tls.crt", "") not in {"", other_than} and "next.crt" not in data

    return eventually(lambda: stored(api), until=served, within_seconds=120)


def serial(certificate: str) -> int:
    return x509.load_pem_x509_certificate(certificate.encode()).serial_number


@dataclass
class Readers:
    """People who read all the time, on new connections that they verify; and the pod's kubelet."""

    environment: LocalEnvironment
    api: Api
    serving: Serving
    port: int = 0
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    """Serial numbers of the certificates that were shown."""

    _stopping: threading.Event = field(default_factory=threading.Event)

    def mount(self) -> None:
        """Do as kubelet does: what the Secret has is in the files soon."""
        if data := stored(self.api):
            files = {"tls.key": self.serving.key, "tls.crt": self.serving.certificate}
            for name, path in files.items():
                if not path.exists() or path.read_text() != data[name]:
                    write_private(path, data[name])

    def read(self) -> None:
        try:
            shown = kubectl(self.environment, "get", "auditevents", "-n", NAMESPACE)
            assert "rr-2026-000001" in shown
        except (subprocess.SubprocessError, AssertionError) as error:
            self.failures.append(str(getattr(error, "stderr", error)))
        self.reads += 1

    def connect(self) -> None:
        """Believe whom the API server believes at this moment."""
        context = ssl.create_default_context(cadata=told(self.api))
        try:
            with urllib3.HTTPSConnectionPool(
                HOST, self.port, ssl_context=context, server_hostname=NAMES[0],
                assert_hostname=NAMES[0], retries=False, timeout=30,
            ) as pool:  # fmt: skip
                connection = pool._get_conn()
                connection.connect()
                assert connection.sock
                shown = connection.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
                self.seen.add(x509.load_der_x509_certificate(shown).serial_number)
                connection.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.failures.append(str(error))
        self.reads += 1

    @contextmanager
    def busy(self) -> Iterator[None]:
        works: tuple[Callable[[], None], ...] = (self.mount, self.read, self.connect)
        threads = [threading.Thread(target=self._repeat, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            work()
            time.sleep(0.1)  # the machine has more to do; nothing is waited for


@contextmanager
def reading(environment: LocalEnvironment, api: Api, folder: Path) -> Iterator[Readers]:
    """Run the server with what the Secret has, and read all the time."""
    write(environment, [an_event(NAMESPACE, 1)])
    serving = Serving(folder / "tls.crt", folder / "tls.key", stored(api)["ca.crt"])
    readers = Readers(environment, api, serving)
    readers.mount()
    with running_apiserver(environment, serving=serving) as readers.port, readers.busy():
        yield readers


def no_key_was_logged(operator: OperatorProcess, *keys: str) -> None:
    assert "PRIVATE" not in operator.log
    for key in keys:
        assert key.splitlines()[1] not in operator.log


def test_from_nothing_and_after_accidents_everybody_reads_on(
    granted: LocalEnvironment, api: Api, start_operator: StartOperator, tmp_path: Path
) -> None:
    first, second = (start_operator(**MANAGE).wait_ready() for _ in range(2))
    made = wait_served(api)
    assert set(made) == {"tls.crt", "tls.key", "ca.crt"}
    assert told(api) == made["ca.crt"]
    assert made["ca.crt"].count("BEGIN") == 1, "of two operators one has made it"
    with reading(granted, api, tmp_path) as readers:
        eventually(lambda: readers.seen, until=lambda seen: serial(made["tls.crt"]) in seen)
        assert api.delete(SECRET).ok
        again = wait_served(api, other_than=made["tls.crt"])
        assert again["tls.key"] != made["tls.key"]
        eventually(lambda: serial(again["tls.crt"]) in readers.seen)

        nonsense = {"data": {"tls.key": b64encode(b"correct-horse-demo").decode()}}
        assert api.request("PATCH", SECRET, nonsense, MERGE_PATCH).ok
        mended = wait_served(api, other_than=again["tls.crt"])
        eventually(lambda: serial(mended["tls.crt"]) in readers.seen)
    assert readers.failures == []
    assert readers.reads > 50
    logs = first.logged() + second.logged()
    (warning,) = [line for line in logs if line["message"].startswith("server of readers")
                  and line["level"] == "WARNING"]  # fmt: skip
    assert warning["message"].endswith("a new certificate was put aside: tls.key is no private key")
    for operator in (first, second):
        keys = (each["tls.key"] for each in (made, again, mended))
        no_key_was_logged(operator, *keys)
        assert "correct-horse-demo" not in operator.log


def test_a_renewal_is_not_noticed(
    granted: LocalEnvironment, api: Api, start_operator: StartOperator, tmp_path: Path
) -> None:
    life, key = timedelta(days=365), new_key()
    begin = utc_now() - life * 0.7
    signer = Signer.create("authority", begin, life)
    old = signer.server("server", NAMES, begin, key).certificate
    data = {"tls.crt": old, "tls.key": key, "ca.crt": signer.pair.certificate}
    secret = {
        "metadata": {"name": TLS_SECRET, "labels": MANAGED},
        "type": "kubernetes.io/tls",
        "data": {name: b64encode(text.encode()).decode() for name, text in data.items()},
    }
    api.create(SECRETS, secret)
    operator = start_operator(**MANAGE).wait_ready()
    eventually(lambda: told(api))
    with reading(granted, api, tmp_path) as readers:
        new = wait_served(api, other_than=old)
        eventually(lambda: serial(new["tls.crt"]) in readers.seen)
        assert told(api) == new["ca.crt"]
    assert readers.seen == {serial(old), serial(new["tls.crt"])}
    assert readers.failures == []
    assert readers.reads > 20
    assert new["tls.key"] == key
    assert new["ca.crt"].endswith(data["ca.crt"]), "servers may have it for as long as it lasts"
    no_key_was_logged(operator, key)


def test_a_secret_of_somebody_else_stays_as_it_is(
    granted: LocalEnvironment, api: Api, start_operator: StartOperator
) -> None:
    before = api.create(SECRETS, {"metadata": {"name": TLS_SECRET}, "data": {"tls.crt": "eA=="}})
    operator = start_operator(**MANAGE)
    line = eventually(lambda: [each for each in operator.logged()
                               if "belongs to somebody else" in each["message"]])[0]  # fmt: skip
    assert "set AUDIT_OPERATOR_MANAGE_CERTIFICATES=false" in line["message"]
    assert api.get(SECRET) == before
    operator.wait_ready()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", SECRETS, None, 403),
        ("GET", f"{SECRETS}/another", None, 403),
        ("GET", SECRET.replace("workflow-audit/", "default/"), None, 403),
        ("POST", SECRETS, {"metadata": {"name": "another"}, "type": "kubernetes.io/tls"}, 403),
        ("POST", SECRETS, {"metadata": {"name": TLS_SECRET}, "type": "Opaque"}, 403),
        ("DELETE", SECRET, None, 403),
        ("GET", API_SERVICES, None, 403),
        ("GET", f"{API_SERVICES}/v1.apps", None, 403),
        ("PATCH", f"{API_SERVICES}/v1.apps", {"spec": {"versionPriority": 1}}, 403),
        ("DELETE", f"{API_SERVICES}/{API_SERVICE}", None, 403),
        ("GET", f"{API_SERVICES}/{API_SERVICE}", None, 200),
    ],
)
def test_its_rights_go_no_further(
    granted: LocalEnvironment, method: str, path: str, body: Json | None, status: int
) -> None:
    empty = {"tls.crt": "", "tls.key": ""}
    if body and "type" in body:
        body = body | {"data": empty if body["type"] == "kubernetes.io/tls" else {}}
    content_type = MERGE_PATCH if method == "PATCH" else "application/json"
    with Api(granted, OPERATOR, OPERATOR_GROUPS) as operator:
        asked = lambda: operator.request(method, path, body, content_type).status  # noqa: E731
        assert eventually(asked, until=lambda found: found == status) == status
