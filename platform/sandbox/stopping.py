"""End sandboxed work from outside: whoever calls the sandbox names an event, which it watches.

The event is looked at in the ticks of the sandbox (0.2 s at most): the work's whole process group
is killed and ``Stopped`` leaves the call. It is no ``SandboxError``, so no engine takes it for a
fault of its file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

TICK_S = 0.2
_ASKED: ContextVar[threading.Event | None] = ContextVar("sandbox_stop", default=None)


class Stopped(Exception):
    """The work was ended because nobody wants its result any more."""


@contextmanager
def stopped_by(event: threading.Event) -> Iterator[None]:
    """What is sandboxed by this thread inside the block ends once ``event`` is set."""
    token = _ASKED.set(event)
    try:
        yield
    finally:
        _ASKED.reset(token)


def go_on() -> None:
    """Raise Stopped once the event is set."""
    event = _ASKED.get()
    if event is not None and event.is_set():
        raise Stopped
