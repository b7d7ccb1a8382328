"""The application: routes and errors."""

from fastapi import APIRouter, FastAPI

from workflow_audit import __version__
from workflow_audit.api.analytics import analytics_router
from workflow_audit.api.auditevents import auditevents_router
from workflow_audit.api.auditstatistics import auditstatistics_router
from workflow_audit.api.discovery import discovery_router
from workflow_audit.api.ingest import ingest_router
from workflow_audit.api.openapi import openapi_router
from workflow_audit.api.problems import add_problems
from workflow_audit.api.rest import rest_router
from workflow_audit.api.rest_export import rest_export_router
from workflow_audit.api.rest_openapi import rest_openapi_router
from workflow_audit.api.services import ReadServices


def application(services: ReadServices) -> FastAPI:
    """Give the application."""
    app = FastAPI(
        title="Workflow Audit",
        version=__version__,
        openapi_url=None,  # ours stands at the same path, and needs no page with foreign scripts
        redirect_slashes=False,
    )
    makers = (
        ingest_router,  # the first to be looked at: the others' requests cost more by far
        auditevents_router,
        auditstatistics_router,
        discovery_router,
        openapi_router,
        rest_export_router,
        rest_router,
        analytics_router,
    )
    routers = [router_of(services) for router_of in makers]
    add_problems(app, [route for router in routers for route in router.routes])
    for router in routers:
        _add(app, router)
    _add(app, rest_openapi_router(app))
    return app


def _add(app: FastAPI, router: APIRouter) -> None:
    """Add its routes to the application's own; an included router would be matched twice each."""
    app.router.routes.extend(router.routes)
