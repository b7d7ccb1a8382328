"""The search as a tool of HolmesGPT: written for holmesgpt 0.45, whose tools are pydantic models.

```python
audit = AuditClient.from_env()  # one for the process
catalogue = WorkflowCatalogue("https://catalogue.example", audit)
toolset = WorkflowToolset(catalogue, remediation_id="rr-2026-001")  # one for an investigation
toolset.check_prerequisites()
executor = ToolExecutor([toolset, *others])
```
"""

from typing import Any

from holmes.core.tools import (
    StructuredToolResult,
    StructuredToolResultStatus,
    Tool,
    ToolInvokeContext,
    ToolParameter,
    Toolset,
    ToolsetTag,
)
from pydantic import ConfigDict

from workflow_search import CatalogueError, WorkflowCatalogue

MOST_WORKFLOWS = 10
USUAL_WORKFLOWS = 3


class SearchWorkflows(Tool):  # type: ignore[misc]
    """Finds workflows that may remedy what the investigation has found."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    catalogue: WorkflowCatalogue
    remediation_id: str

    def _invoke(self, params: dict[str, Any], context: ToolInvokeContext) -> StructuredToolResult:  # noqa: ARG002
        try:
            answer = self.catalogue.search(
                params["query"],
                remediation_id=self.remediation_id,
                filters=params.get("filters"),
                top_k=min(params.get("top_k") or USUAL_WORKFLOWS, MOST_WORKFLOWS),
            )
        except (OSError, CatalogueError) as error:  # all errors of requests are OSErrors
            status, said = StructuredToolResultStatus.ERROR, f"{type(error).__name__}: {error}"
            return StructuredToolResult(status=status, error=said, params=params)
        found = bool(answer["workflows"])
        status = StructuredToolResultStatus.SUCCESS if found else StructuredToolResultStatus.NO_DATA
        return StructuredToolResult(status=status, data=answer, params=params)

    def get_parameterized_one_liner(self, params: dict[str, Any]) -> str:
        """Say in a line what the tool is doing."""
        return f"search the workflow catalogue: {params.get('query', '')}"


class WorkflowToolset(Toolset):  # type: ignore[misc]
    """The catalogue's tools, for one remediation request."""

    def __init__(self, catalogue: WorkflowCatalogue, *, remediation_id: str) -> None:
        search = SearchWorkflows(
            name="search_workflows",
            description=(
                "Search the catalogue of remediation workflows once the root cause is known. Gives"
                " workflows, the best first, each with its confidence from 0 to 1."
            ),
            parameters={
                "query": ToolParameter(
                    description="Signal and severity, then words, as in: OOMKilled critical Java",
                ),
                "filters": ToolParameter(
                    description="Labels, as in: signal-type=OOMKilled, environment=production",
                    type="object",
                    required=False,
                    additional_properties={"type": "string"},
                ),
                "top_k": ToolParameter(
                    description=f"Most workflows to list, up to {MOST_WORKFLOWS}",
                    type="integer",
                    required=False,
                ),
            },
            catalogue=catalogue,
            remediation_id=remediation_id,
        )
        super().__init__(
            name="workflow-catalogue",
            description="Remediation workflows, by what they remedy",
            enabled=True,
            tools=[search],
            tags=[ToolsetTag.CORE],
        )
