"""The toolset in HolmesGPT itself, where that is installed: it is no dependency of ours."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.example_catalogue import example_catalogue
from support.faulty_server import FaultyServer, answer, refusal
from workflow_audit.client import AuditClient, ClientSettings

pytest.importorskip("holmes.core.tools", reason="holmesgpt is not installed")

from holmes.core.tools import ToolInvokeContext
from holmes.core.tools_utils.tool_executor import ToolExecutor

from workflow_search import WorkflowCatalogue
from workflow_toolset import WorkflowToolset

PARAMETERS = {"query": "OOMKilled critical, raise the memory limit of the pod through Git"}


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(answer({"event_id": "e", "status": "recorded"}, 201)) as faulty:
        yield faulty


@pytest.fixture
def audit(server: FaultyServer, tmp_path: Path) -> Iterator[AuditClient]:
    settings = ClientSettings(url=server.url, namespace="payments", spool_path=tmp_path / "spool")
    with AuditClient(settings) as client:
        yield client


def run(url: str, audit: AuditClient, parameters: dict[str, Any]) -> Any:
    """Run the tool as HolmesGPT does when a model asks for it."""
    toolset = WorkflowToolset(WorkflowCatalogue(url, audit), remediation_id="rr-2026-011")
    toolset.check_prerequisites()
    executor = ToolExecutor([toolset])
    (described,) = executor.get_all_tools_openai_format()
    assert described["function"]["parameters"]["required"] == ["query"]
    tool = executor.get_tool_by_name("search_workflows")
    assert tool
    context = ToolInvokeContext.model_construct(
        tool_number=1, user_approved=False, tool_call_id="c", tool_name="search_workflows"
    )
    result = tool.invoke(parameters, context)
    assert audit.flush(30)
    return result


@pytest.mark.parametrize(
    ("parameters", "status", "workflows"),
    [
        pytest.param(PARAMETERS, "success", 3, id="found"),
        pytest.param({**PARAMETERS, "top_k": 1, "filters": None}, "success", 1, id="one"),
        pytest.param({**PARAMETERS, "filters": {"severity": "odd"}}, "no_data", 0, id="nothing"),
    ],
)
def test_the_model_gets_the_answer_and_the_audit_too(
    server: FaultyServer,
    audit: AuditClient,
    parameters: dict[str, Any],
    status: str,
    workflows: int,
) -> None:
    with example_catalogue() as url:
        result = run(url, audit, parameters)
    assert result.status.value == status
    assert len(result.data["workflows"]) == workflows
    (request,) = server.requests
    event = request.json()
    assert event["correlation_id"] == "rr-2026-011"
    assert event["event_data"]["results"]["returned"] == workflows


def test_the_model_hears_of_a_failure_and_the_audit_too(
    server: FaultyServer, audit: AuditClient
) -> None:
    with FaultyServer(refusal(500)) as broken:
        result = run(broken.url, audit, PARAMETERS)
    assert result.status.value == "error"
    assert result.error.startswith("HTTPError: the catalogue answers 500")
    (request,) = server.requests
    assert request.json()["error_code"] == "CatalogueFailed"
