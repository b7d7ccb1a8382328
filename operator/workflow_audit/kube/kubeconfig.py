"""Whose kubeconfig a reader's command works with, and in which namespace it reads by itself."""

import os
from dataclasses import dataclass
from pathlib import Path

from kubernetes.aio.config.config_exception import ConfigException
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger
from yaml import YAMLError

from workflow_audit.errors import ClusterError
from workflow_audit.kube.connecting import in_cluster

HOME_FILE = Path(".kube", "config")
POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True)
class Credentials:
    """Where to read who one is."""

    kubeconfig: Path | None
    """Perhaps several files, as in KUBECONFIG; None is the pod's service account."""

    context: str | None
    namespace: str
    """Of the context; where a command reads that is not told where."""

    context_name: str = ""
    """Of the context in use, also where `context` leaves it to the kubeconfig."""


def credentials(kubeconfig: Path | None, context: str | None) -> Credentials:
    """Find the credentials of whoever calls, in the order of kubectl.

    Args:
        kubeconfig: None takes KUBECONFIG, or else the file in the home folder; in a pod that has
            neither, its service account.
        context: None takes the current one.

    Raises:
        ClusterError: there are none, or not of this context.
    """
    paths = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG", "")
    home = Path.home() / HOME_FILE
    if not paths and home.is_file():
        paths = str(home)
    if paths:
        return Credentials(Path(paths), context, *_namespace_and_name(paths, context))
    if in_cluster() and context is None:
        return Credentials(None, None, POD_NAMESPACE.read_text(encoding="utf-8").strip())
    raise ClusterError(
        f"there is no kubeconfig: KUBECONFIG is not set, and {home} does not exist; "
        "give one with --kubeconfig"
    )


def _namespace_and_name(paths: str, context: str | None) -> tuple[str, str]:
    if not any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path):
        raise ClusterError(f"the kubeconfig {paths} does not exist; give another --kubeconfig")
    try:
        files = KubeConfigMerger(paths).config  # type: ignore[no-untyped-call]
        loader = KubeConfigLoader(  # type: ignore[no-untyped-call]
            files, active_context=context, config_base_path=None
        )
    except ConfigException as error:
        raise ClusterError(_unusable(paths, context, error)) from error
    except (OSError, YAMLError, TypeError, AttributeError, KeyError) as error:
        # The last three: YAML of another shape, such as an empty file.
        words = " ".join(str(error).split())
        raise ClusterError(f"the kubeconfig {paths} cannot be read: {words}") from error
    found = loader.current_context
    return str(found["context"].get("namespace") or DEFAULT_NAMESPACE), str(found["name"])


def _unusable(paths: str, context: str | None, error: ConfigException) -> str:
    if context is not None and f"name {context} in" in str(error):
        return (
            f"there is no context {context!r} in the kubeconfig {paths}; "
            "`kubectl config get-contexts` lists them"
        )
    return f"the kubeconfig {paths} cannot be used: {error}; give another --context or --kubeconfig"
