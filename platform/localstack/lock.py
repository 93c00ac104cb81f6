"""One supervisor for a data folder."""

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

from localstack.process import Identity, identify, is_alive

PATIENCE_S = 15.0


class AlreadyRunning(Exception):
    """Another supervisor holds the data folder."""


def take_lock(path: Path) -> TextIO:
    """The locked file, held until closed.

    A dead predecessor's guard still holds it while it tidies up: that one is waited for.
    """
    lock = path.open("a+")
    deadline = time.monotonic() + PATIENCE_S
    while not _try(lock):
        owner = _owner(lock)
        if (owner and is_alive(owner)) or time.monotonic() > deadline:
            lock.close()
            raise AlreadyRunning(f"pid {owner.pid}" if owner else "pid unknown")
        time.sleep(0.05)
    me = identify("supervisor", os.getpid())
    lock.seek(0)
    lock.truncate()
    lock.write(f"{me.pid} {me.started}\n" if me else "")
    lock.flush()
    return lock


def _try(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(lock: TextIO) -> Identity | None:
    lock.seek(0)
    numbers = lock.read().split()
    return Identity("supervisor", int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else None
