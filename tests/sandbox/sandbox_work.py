"""What the sandbox tests run inside."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

Report = Callable[[float, str], None]


def double(payload: dict[str, int], report: Report) -> int:
    report(0.5, "half")
    return payload["n"] * 2


def fail(payload: None, report: Report) -> None:
    raise ValueError("no")


def sleep(payload: Any, report: Report) -> None:
    threading.Event().wait(30)


def grow(payload: Any, report: Report) -> int:
    return len(bytearray(4 << 30))


def fill(payload: str, report: Report) -> None:
    (Path(payload) / "large").write_bytes(bytes(8 << 20))


def many_files(payload: str, report: Report) -> None:
    for number in range(8):
        (Path(payload) / f"{number}").write_bytes(bytes(900_000))
    threading.Event().wait(30)


def spin(payload: Any, report: Report) -> None:
    while True:
        pass


def crash(payload: None, report: Report) -> None:
    ctypes.string_at(0)


def reach(payload: list[str], report: Report) -> list[bool]:
    found = []
    for path in payload:
        try:
            Path(path).read_bytes()
            found.append(True)
        except OSError:
            found.append(False)
    return found
