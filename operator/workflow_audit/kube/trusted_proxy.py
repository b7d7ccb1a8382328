"""Whose certificates may speak for users, followed as the cluster changes it."""

import logging
from collections.abc import Callable
from typing import Any

from workflow_audit.domain.front_proxy import FrontProxy, front_proxy
from workflow_audit.errors import InvalidFieldError
from workflow_audit.kube.connecting import ApiServer
from workflow_audit.kube.informer import Informer
from workflow_audit.models.resource import CONFIG_MAP

log = logging.getLogger(__name__)

NAMESPACE, NAME = "kube-system", "extension-apiserver-authentication"

Json = dict[str, Any]


class TrustedProxy:
    """Whose certificates may speak for users, as the cluster says it now."""

    def __init__(self, api: ApiServer) -> None:
        """Know where that stands; nothing is asked yet."""
        self.config: FrontProxy | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called when it is somebody else's certificates that count."""

        self._wrong: str | None = "the API server has not told yet whose certificates count"
        self.informer = Informer(
            api,
            CONFIG_MAP,
            self._changed,
            namespace=NAMESPACE,
            field_selector=f"metadata.name={NAME}",
        )

    async def problem(self) -> str | None:
        """Say why nobody is trusted, or why that may be out of date."""
        return self._wrong or self.informer.problem

    def authority(self) -> str:
        """Give the certificates in PEM by which clients are judged; empty for nobody's."""
        return self.config.ca if self.config else ""

    def _changed(self, _: Json | None, after: Json | None) -> None:
        before = self.config
        try:
            self.config = front_proxy((after or {}).get("data") or {})
        except InvalidFieldError as error:
            self.config, self._wrong = None, str(error)
            log.warning("nobody may speak for users: %s", error)
        else:
            self._wrong = None
        if before is not None and before != self.config:
            log.info("other certificates may speak for users now")
            self.changed()
