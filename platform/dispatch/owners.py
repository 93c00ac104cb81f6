"""Who holds a lease: a process that can be told from every other one, also after its end.

A worker that was killed is known to be dead by those that share its process ids, so that its work
comes back with the next sweep and not when its lease runs out. A wrong judgement would cost an
attempt and nothing else: the fence decides who may write.
"""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def place() -> str:
    """Where process ids mean the same as here: this boot of the kernel, this pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    namespace = os.readlink("/proc/self/ns/pid")  # noqa: PTH115 - names no path
    return f"{boot[:13]}/{namespace.strip('pid:[]')}"


def me() -> str:
    """This process, as tickets name their holder."""
    pid = os.getpid()
    return f"{socket.gethostname()[:60]}:{pid}:{started_at(pid)}@{place()}"


def is_dead(owner: str) -> bool:
    """Whether a holder has ended for sure; never true of processes of another place."""
    name, _, where = owner.rpartition("@")
    parts = name.rsplit(":", 2)
    if where != place() or len(parts) != 3:
        return False
    return started_at(int(parts[1])) != parts[2]


def started_at(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
