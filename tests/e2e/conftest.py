"""What end-to-end tests share: operators and searches, the server of readers and who asks it."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.api import Api
from support.catalogues import CatalogueSecret
from support.counting import Known, known_namespace
from support.operator_process import OperatorProcess, StartOperator
from support.policies import Policies
from support.reader import Reader
from support.reading import (
    TYPE,
    ReadingServer,
    a_namespace,
    a_service_account,
    let_read,
    let_read_everywhere,
    reading_server,
    stop_reading_everywhere,
)
from support.rest import Program
from support.searches import Searches
from support.submitting import Sender, let_send
from workflow_audit.local.environment import LocalEnvironment

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(prepared_environment: LocalEnvironment) -> Iterator[Api]:
    """The API server, as the administrator."""
    with Api(prepared_environment) as administrator:
        yield administrator


@pytest.fixture
def searches(
    prepared_environment: LocalEnvironment, api: Api, request: pytest.FixtureRequest
) -> Iterator[Searches]:
    """A namespace without searches."""
    name = request.node.originalname.removeprefix("test_").replace("_", "-")[:45].strip("-")
    with Searches(prepared_environment, api, f"{name}-{next(_numbers)}") as own:
        yield own


@pytest.fixture
def start_operator(
    prepared_environment: LocalEnvironment, tmp_path: Path
) -> Iterator[StartOperator]:
    """Start operators; those that still run are killed when the test ends."""
    with ExitStack() as started:

        def start(**settings: str) -> OperatorProcess:
            log = tmp_path / f"operator-{next(_numbers)}.log"
            operator = OperatorProcess(prepared_environment, log, settings)
            return started.enter_context(operator).start()

        yield start


@pytest.fixture
def cluster(api: Api, searches: Searches) -> Iterator[Policies]:
    """ClusterAuditPolicies that are about the namespace only."""
    with Policies(api, searches.namespace, of_cluster=True) as policies:
        yield policies


@pytest.fixture
def own(api: Api, searches: Searches) -> Iterator[Policies]:
    """The AuditPolicies of the namespace."""
    with Policies(api, searches.namespace) as policies:
        yield policies


@pytest.fixture
def secret(api: Api, prepared_environment: LocalEnvironment) -> Iterator[CatalogueSecret]:
    """The Secret with the token of the catalogue, and the operator's right to read it."""
    with CatalogueSecret(api, prepared_environment) as of_catalogue:
        yield of_catalogue


@pytest.fixture(scope="module")
def server(prepared_environment: LocalEnvironment) -> Iterator[ReadingServer]:
    """The server of readers, behind the API server; limits for each reader have their own tests."""
    unlimited = {
        "AUDIT_APISERVER_REQUESTS_PER_SECOND": "0",
        "AUDIT_APISERVER_REQUESTS_AT_ONCE": "0",
    }
    with reading_server(prepared_environment, **unlimited) as running:
        yield running


@pytest.fixture
def namespace(api: Api) -> str:
    """A namespace without events."""
    return a_namespace(api)


@pytest.fixture
def ada(server: ReadingServer, api: Api, namespace: str) -> Reader:
    """May read the events of the namespace, and nothing else."""
    name = f"ada-of-{namespace}"
    let_read(api, namespace, name)
    return Reader.named(server.environment, name)


@pytest.fixture
def robot(server: ReadingServer, api: Api, namespace: str) -> Program:
    """May read the events of its namespace."""
    user, token = a_service_account(api, namespace, "robot")
    let_read(api, namespace, user)
    return Program(server, user, token)


@pytest.fixture
def sender(server: ReadingServer, api: Api, namespace: str) -> Sender:
    """May record searches in its namespace."""
    user, token = a_service_account(api, namespace, "searcher")
    let_send(api, namespace, user)
    return Sender(server, user, token)


@pytest.fixture
def auditor(server: ReadingServer, api: Api, namespace: str) -> Program:
    """May read all events."""
    user, token = a_service_account(api, namespace, "auditor")
    let_read_everywhere(api, user)
    return Program(server, user, token)


@pytest.fixture
def narrow(server: ReadingServer, api: Api, namespace: str) -> Program:
    """May read events of one type in its namespace."""
    user, token = a_service_account(api, namespace, "narrow")
    let_read(api, namespace, user, types=[TYPE])
    return Program(server, user, token)


@pytest.fixture(scope="module")
def known(server: ReadingServer, api: Api) -> Known:
    """Known searches, for tests that only read."""
    return known_namespace(server, api)


@pytest.fixture(scope="module")
def operator_may_read(api: Api) -> Iterator[None]:
    """The proxy that makes trouble speaks for the operator, which has no business with events."""
    user = "system:serviceaccount:workflow-audit:workflow-audit-operator"
    let_read_everywhere(api, user)
    yield
    stop_reading_everywhere(api, user)
