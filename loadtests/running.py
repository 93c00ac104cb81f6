"""A running `make serve`, as the scripts of this folder meet it: address, keys, processes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
EVERY_S = 0.05


def demo() -> dict[str, Any]:
    """What `make serve` wrote when it was ready."""
    found: dict[str, Any] = json.loads((ROOT / "var/demo.json").read_text())
    return found


def group_of(name: str) -> int:
    """The process id of one of the stack's programs, which is also its group's."""
    children = json.loads((ROOT / "var/run/children.json").read_text())
    return next(int(pid) for child, pid, *_ in children if child == name)


def members(leader: int) -> list[int]:
    """Every living process of a group."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader:
                found.append(int(folder.name))
    return found


def anonymous_mb(leader: int) -> float:
    """Memory of a group that is not a file's: what would grow if bodies were held."""
    total = 0
    for pid in members(leader):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    return round(total / 1024, 1)


@contextmanager
def peak_of(name: str) -> Iterator[dict[str, float]]:
    """{before, peak} of a program's memory in MB while the block runs."""
    leader, stop = group_of(name), threading.Event()
    seen = {"before": anonymous_mb(leader), "peak": 0.0}

    def watch() -> None:
        while not stop.is_set():
            seen["peak"] = max(seen["peak"], anonymous_mb(leader))
            time.sleep(EVERY_S)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
