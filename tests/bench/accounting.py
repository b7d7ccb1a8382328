"""CPU and memory of processes, as the system counts them."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import psutil

from workflow_audit.local.environment import LocalEnvironment

OPERATOR = "operator"
MIB = 1024 * 1024

Cpu = Mapping[str, float]
"""CPU seconds by program."""


def server_pids(environment: LocalEnvironment) -> dict[str, int]:
    """Give the processes that share the machine with the operator, this one included."""
    postgres = environment.postgres.pid
    found = {**environment.control_plane.pids, "this bench": os.getpid()}
    return {**found, "PostgreSQL": postgres} if postgres else found


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Give what each process has used so far, with all its children, also those that ended.

    This process counts alone: all that it has started belongs to the others.
    """
    return {name: _used(pid, tree=pid != os.getpid()) for name, pid in pids.items()}


def difference(before: Cpu, after: Cpu) -> dict[str, float]:
    """Give what was used in between."""
    return {name: after[name] - before[name] for name in before.keys() & after.keys()}


def _used(pid: int, *, tree: bool) -> float:
    process = psutil.Process(pid)
    own = process.cpu_times()
    used = own.user + own.system
    if not tree:
        return used
    used += own.children_user + own.children_system
    for child in process.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue  # its time is in its parent's account now, from the next look on
        used += times.user + times.system + times.children_user + times.children_system
    return used


def resident_bytes(pid: int) -> int:
    """Give the memory that a process has resident now."""
    return int(psutil.Process(pid).memory_info().rss)


def peak_bytes(pid: int) -> int | None:
    """Give the most memory that a process ever had resident; None where the system has no count."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else None
