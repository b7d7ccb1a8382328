"""An operator as a process and a namespace of searches, for each test its own."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.api import Api
from support.operator_process import OperatorProcess, StartOperator
from support.searches import Searches
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
