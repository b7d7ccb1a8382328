"""Settings -> who keeps the certificate of the server of readers."""

import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from workflow_audit.kube.connecting import ApiServer
from workflow_audit.models.auditlog import SERVICE
from workflow_audit.services.work_queue import WorkQueue
from workflow_audit.settings.operating import OperatorSettings

WORK = "the certificate of the server of readers"


def certificate_tasks(
    settings: OperatorSettings, api: ApiServer, clock: Callable[[], datetime]
) -> tuple[Callable[[], Awaitable[None]], ...]:
    """Give what has to run for as long as the process; nothing where others make certificates."""
    if not settings.manage_certificates:
        return ()
    # They bring cryptography, 10 MiB that most operators do without.
    from workflow_audit.kube.serving_certificate import CertificateObjects  # noqa: PLC0415
    from workflow_audit.services.serving_certificate import CertificateKeeper  # noqa: PLC0415

    host = f"{SERVICE}.{settings.namespace}.svc"
    keeper = CertificateKeeper(
        CertificateObjects(api, settings.namespace),
        hosts=(host, f"{host}.cluster.local"),
        lifetime=timedelta(days=settings.certificate_days),
        clock=lambda: api.told or clock(),
        monotonic=time.monotonic,
    )
    queue: WorkQueue[str] = WorkQueue()
    queue.add(WORK)
    return (partial(queue.run, keeper.keep, workers=1),)
