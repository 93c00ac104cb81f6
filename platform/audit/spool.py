"""A file between the call and the database: appended to before the answer leaves, emptied later.

Each process appends to a file of its own below ``STORAGE_DIR/_audit``, which outlives processes and
machines, and holds a lock on it. A thread of the process moves the lines to the database; what a
dead process left is adopted by any other, for its lock is gone. Every line carries an id, so moving
it twice is harmless. An append costs 10 to 20 µs; a killed process loses nothing, a machine that
loses its power at most the last second. ADR 0022.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
from django.db import DatabaseError, connection

from core.ids import new_id
from core.storage import root

log = logging.getLogger("filemill.audit")
GATHER_S = 0.3  # lines of this time go to the database together
AGAIN_S = 2.0  # after a database that was away
ENDING = ".jsonl"
Row = dict[str, Any]
Store = Callable[[list[Row]], None]


def folder() -> Path:
    """Where the files of every process lie."""
    path = root() / "_audit"
    path.mkdir(parents=True, exist_ok=True)
    return path


class Spool:
    """The file of this process, and the thread that empties it into ``store``."""

    def __init__(self, store: Store, place: Callable[[], Path] = folder) -> None:
        self.store = store
        self.place = place
        self.lock = threading.Lock()
        self.draining = threading.Lock()
        self.pending = threading.Event()
        self.path: Path | None = None
        self.descriptor = -1
        self.owner = 0  # the process that opened the file and has the thread

    def append(self, row: Row) -> None:
        """One line, in the kernel's hands when this returns. Raises OSError."""
        line = orjson.dumps(row) + b"\n"
        with self.lock:
            if self.owner != os.getpid():
                self.begin()
            if self.path is None:
                self.path, self.descriptor = new_file(self.place())
            os.write(self.descriptor, line)
        self.pending.set()

    def begin(self) -> None:
        """First line of a process (after a fork too): the parent's file is not ours."""
        self.owner, self.path, self.descriptor = os.getpid(), None, -1
        self.draining = threading.Lock()
        threading.Thread(target=self.keep_draining, daemon=True, name="audit-spool").start()

    def keep_draining(self) -> None:
        """The thread: gather a moment, move, wait for more."""
        while self.pending.wait():
            time.sleep(GATHER_S)
            self.pending.clear()
            try:
                self.drain()
            except (DatabaseError, OSError) as error:
                log.warning("activities wait in the spool: %s", error)
                time.sleep(AGAIN_S)
                self.pending.set()
            finally:
                connection.close()

    def drain(self) -> int:
        """Move what this process and dead ones have written. Returns the number of lines."""
        with self.draining:
            with self.lock:
                descriptor, self.path, self.descriptor = self.descriptor, None, -1
            if descriptor >= 0:
                os.close(descriptor)  # gives the lock back: our own file is adopted like any other
            return self.adopt()

    def adopt(self) -> int:
        """Move the files that no living process holds."""
        moved = 0
        for path in sorted(self.place().glob(f"*{ENDING}")):
            with held(path) as content:
                if content is None:
                    continue
                rows = list(parsed(content))
                if rows:
                    self.store(rows)
                path.unlink()
                moved += len(rows)
        return moved


def new_file(place: Path) -> tuple[Path, int]:
    """An open, locked file: locked before it has the name that others look for."""
    final = place / f"{new_id('spl')}{ENDING}"
    hidden = final.with_suffix(".new")
    descriptor = os.open(hidden, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    hidden.rename(final)
    return final, descriptor


@contextmanager
def held(path: Path) -> Iterator[bytes | None]:
    """The content of a file nobody else holds, locked meanwhile; else None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield None
        return
    try:
        content = None
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists():  # else another has moved it meanwhile
                with os.fdopen(os.dup(descriptor), "rb") as reader:
                    content = reader.read()
        yield content
    finally:
        os.close(descriptor)


def parsed(content: bytes) -> Iterator[Row]:
    """The lines; one that was torn by a crash is told and passed over."""
    for line in content.splitlines():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            log.error("a torn line in the spool: %r", line[:200])  # noqa: TRY400 - no trace helps
