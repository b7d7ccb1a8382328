"""Which way searches are sent; the libraries of the other way are not loaded."""

from workflow_audit.client.settings import ClientSettings
from workflow_audit.client.transports import Transport


class LibraryMissingError(Exception):
    """What the chosen way needs is not installed; says what to do."""


def transport_of(settings: ClientSettings) -> Transport:
    """Give the way of sending that the settings ask for.

    Raises:
        LibraryMissingError: there is no Kubernetes client, or too old a one.
    """
    if settings.url is not None:
        from workflow_audit.client.http_transport import HttpTransport  # noqa: PLC0415

        return HttpTransport(
            settings.url,
            namespace=settings.namespace,
            token_file=settings.token_file,
            ca_file=settings.ca_file,
            timeout_seconds=settings.timeout_seconds,
        )
    try:
        from workflow_audit.client.resource_transport import ResourceTransport  # noqa: PLC0415
    except ImportError as error:
        raise LibraryMissingError(
            "creating WorkflowSearch resources needs kubernetes 37 or later; install it, or send"
            " searches by HTTP (DATA_STORAGE_AUDIT_URL)"
        ) from error

    return ResourceTransport(
        kubeconfig=settings.kubeconfig, timeout_seconds=settings.timeout_seconds
    )
