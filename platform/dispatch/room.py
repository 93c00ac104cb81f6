"""Whether the queue takes more: bounds on what waits, of one tenant and of all.

Counting what waits costs more the more waits, so a process remembers what it counted for a second
and adds what it lets in itself. Other processes may let in as much meanwhile: the bound keeps
disk and memory from filling, nobody is charged by it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from core.env import env
from core.tenancy import current_schema
from dispatch.errors import QueueFull
from dispatch.models import State, Ticket

REMEMBERED_S = 1.0
EVERYONE = ""
RETRY_AFTER_S = 30


@dataclass
class Count:
    """What waited when it was counted, with what was let in since."""

    waiting: int
    counted_at: float


_counts: dict[str, Count] = {}
_lock = threading.Lock()


def bounds() -> tuple[int, int]:
    """Tickets that may wait: of one tenant, of all."""
    conf = env().dispatch
    return conf.max_waiting_tenant, conf.max_waiting


def refuse_when_full(*, count: int = 1) -> None:
    """Let so many more tickets of the current tenant in. Raises QueueFull."""
    schema_name = current_schema()
    own, all_of_them = bounds()
    if waiting(schema_name) + count > own:
        raise full(f"{own} jobs of yours wait already.")
    if waiting(EVERYONE) + count > all_of_them:
        raise full("More jobs wait than we can take.")
    with _lock:
        for name in (schema_name, EVERYONE):
            _counts[name].waiting += count


def full(why: str) -> QueueFull:
    """The refusal."""
    return QueueFull(f"{why} Send again later.", headers={"Retry-After": str(RETRY_AFTER_S)})


def waiting(schema_name: str) -> int:
    """Tickets of jobs that wait, counted within the last second."""
    now = time.monotonic()
    with _lock:
        found = _counts.get(schema_name)
        if found is not None and now - found.counted_at < REMEMBERED_S:
            return found.waiting
    number = count_waiting(schema_name)
    with _lock:
        _counts[schema_name] = Count(number, now)
    return number


def count_waiting(schema_name: str) -> int:
    """From the rows; deliveries and mails are nobody's backlog."""
    jobs = Ticket.objects.filter(state=State.WAITING).exclude(queue="io")
    return (jobs.filter(lane_id=schema_name) if schema_name else jobs).count()


def forget() -> None:
    """Count anew at the next question."""
    with _lock:
        _counts.clear()
