"""Whether all searches of a local environment are there, by the same comparison as elsewhere."""

import asyncio

from workflow_audit.local.environment import READER, LocalEnvironment
from workflow_audit.models.verification import Report
from workflow_audit.settings.loading import default_settings
from workflow_audit.store.address import DatabaseAddress
from workflow_audit.wiring.verifying import Wanted, verified


def verified_demo(environment: LocalEnvironment) -> Report:
    """Compare everything, as a reader who may see all of it."""
    address = DatabaseAddress(url=environment.database_url(READER))
    retention = default_settings().retention
    return asyncio.run(verified(Wanted(), address, retention, environment.kubeconfig))
