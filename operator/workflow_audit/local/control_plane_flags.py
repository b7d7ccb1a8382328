"""Command lines of etcd, kube-apiserver and kube-controller-manager.

Chosen to be honest first (what RBAC and admission would refuse in a real cluster is refused
here) and light second (no nodes, no pods: controllers that only serve them are left out).
"""

from dataclasses import dataclass
from pathlib import Path

from workflow_audit.local.pki import FRONT_PROXY_CLIENT, ClusterCertificates
from workflow_audit.local.ports import HOST

CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
)


@dataclass(frozen=True)
class Extras:
    """What somebody wants beyond this."""

    controllers: tuple[str, ...] = ()
    api_server_flags: tuple[str, ...] = ()
    """Of the same flag the last one counts."""


NO_EXTRAS = Extras()


def etcd_flags(
    certificates: ClusterCertificates, data: Path, port: int, *, fsync: bool
) -> list[str]:
    """Give etcd's flags.

    Args:
        certificates: the API server is the only client that etcd accepts.
        data: its data folder.
        port: for clients.
        fsync: wait for the disk at every write. Off, a crash of the machine may lose the
            cluster; a crash of etcd loses nothing.
    """
    url = f"https://{HOST}:{port}"
    # A single member has no peers, but etcd insists on listening for them: a socket file in its
    # private working directory instead of one more port that anybody could reach.
    peer = "unix://peer.sock:1"
    return [
        "--name=local",
        f"--data-dir={data}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        "--client-cert-auth",
        f"--trusted-ca-file={certificates.file('etcd-ca.crt')}",
        f"--cert-file={certificates.file('etcd.crt')}",
        f"--key-file={certificates.file('etcd.key')}",
        "--log-level=warn",
        *([] if fsync else ["--unsafe-no-fsync"]),
    ]


def api_server_flags(
    certificates: ClusterCertificates, port: int, etcd_port: int, extras: Extras = NO_EXTRAS
) -> list[str]:
    """Give kube-apiserver's flags."""
    file = certificates.file
    return [
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--advertise-address={HOST}",
        # A loopback address is no valid endpoint of the service `kubernetes`.
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.96.0.0/24",
        f"--etcd-servers=https://{HOST}:{etcd_port}",
        f"--etcd-cafile={file('etcd-ca.crt')}",
        f"--etcd-certfile={file('etcd-client.crt')}",
        f"--etcd-keyfile={file('etcd-client.key')}",
        f"--tls-cert-file={file('apiserver.crt')}",
        f"--tls-private-key-file={file('apiserver.key')}",
        f"--client-ca-file={file('ca.crt')}",
        "--authorization-mode=RBAC",
        "--anonymous-auth=false",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={file('service-account.pub')}",
        f"--service-account-signing-key-file={file('service-account.key')}",
        "--enable-aggregator-routing=false",
        f"--requestheader-client-ca-file={file('front-proxy-ca.crt')}",
        f"--requestheader-allowed-names={FRONT_PROXY_CLIENT}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={file('front-proxy.crt')}",
        f"--proxy-client-key-file={file('front-proxy.key')}",
        # Without it a stop waits a minute for clients that watch.
        "--shutdown-watch-termination-grace-period=1s",
        "--profiling=false",
        *extras.api_server_flags,
    ]


def controller_manager_flags(
    certificates: ClusterCertificates, port: int, kubeconfig: Path, extras: Extras = NO_EXTRAS
) -> list[str]:
    """Give kube-controller-manager's flags.

    `--use-service-account-credentials` is what makes it honest: without it the namespace
    controller acts with the rights of an administrator.
    """
    return [
        f"--kubeconfig={kubeconfig}",
        "--use-service-account-credentials",
        f"--controllers={','.join((*CONTROLLERS, *extras.controllers))}",
        "--leader-elect=false",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--tls-cert-file={certificates.file('apiserver.crt')}",
        f"--tls-private-key-file={certificates.file('apiserver.key')}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--service-account-private-key-file={certificates.file('service-account.key')}",
        f"--root-ca-file={certificates.file('ca.crt')}",
        "--profiling=false",
    ]
