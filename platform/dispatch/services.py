"""Submit, pump, claim, keep, close: every balance moves by one SQL statement.

Redis is a doorbell. What is due, who holds it and until when are rows; time is the database's.
The pump is fair: next is the tenant that had the least service for its weight (`turns`), within its
slots and within each queue's window, so that a late-comer waits one round.

What a crash of the database may forget, that a ticket was sent or claimed, is committed without
waiting for the disk: the ticket is then due again, and its holder has lost its lease.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from redis.exceptions import RedisError

from core import doorbell
from core.env import env
from core.postgres import planned_once
from core.queue import send
from core.tenancy import PUBLIC, current_schema, in_public
from dispatch import owners
from dispatch.census import survey
from dispatch.errors import LeaseLost
from dispatch.models import Lane, State, Ticket, ticket_id
from dispatch.statements import (
    CLAIM,
    CLOSE,
    FORGET,
    KEEP,
    RECLAIM_LOST,
    RECLAIM_UNHEARD,
    SUBMIT,
    WITHDRAW,
)
from dispatch.turns import IS_NEEDED, LOCK, PUMP, SETTLE

log = logging.getLogger("filemill.dispatch")
PUMP_LOCK = 0xD15  # key of the advisory lock
EPOCH = "dispatch:epoch"  # gone from Redis: it was emptied, so ring for everything again
FORGET_AT_ONCE = 5_000  # tickets in one statement
MOST_LOST = 20  # holders that may die of one ticket, whatever its task, before it is given up


@dataclass(frozen=True)
class Lease:
    """The right to work on a ticket. ``lost`` is set when it ran out under a living holder."""

    ticket_id: str
    ref: str
    fence: int
    attempt: int
    schema_name: str
    lost: threading.Event = field(default_factory=threading.Event, compare=False)


def windows() -> dict[str, int]:
    """Tickets that may be sent or running at once, by queue."""
    conf = env().dispatch
    return {
        "convert": conf.window_convert,
        "office": conf.window_office,
        "media": conf.window_media,
        "io": conf.window_io,
    }


def set_lane(*, schema_name: str, weight: int, slots: int) -> None:
    """Open a tenant's lane, or change its share."""
    Lane.objects.update_or_create(
        schema_name=schema_name, defaults={"weight": weight, "slots": min(slots, 32_000)}
    )


def pause_lane(*, schema_name: str, paused: bool) -> None:
    """Hold a tenant's tickets back, or let them go on. What runs already is not stopped."""
    Lane.objects.filter(schema_name=schema_name).update(is_paused=paused)
    if not paused:
        transaction.on_commit(pump, robust=True)


def drop_lane(*, schema_name: str) -> None:
    """Remove a tenant's lane with every ticket: whoever holds a lease has lost it."""
    Lane.objects.filter(schema_name=schema_name).delete()


def submit(
    *,
    task: str,
    ref: str,
    queue: str,
    kind: str = "",
    priority: int = 0,
    delay_s: float = 0,
    not_before: datetime | None = None,
) -> str:
    """Write a ticket into the running transaction, for the current schema; ring after commit.

    Work of one ``kind`` takes about as long. Idempotent on (task, ref) while an earlier ticket is
    open. It is due after ``delay_s``, and never before the moment ``not_before``.
    """
    with connection.cursor() as cursor:
        values: list[Any] = [ticket_id(), current_schema(), task, ref, queue, kind[:60], priority]
        cursor.execute(SUBMIT, [*values, delay_s, not_before])
        row = cursor.fetchone()
    transaction.on_commit(pump, robust=True)
    return str(row[0]) if row else ""


def submit_many(
    *, task: str, work: dict[str, tuple[str, str]], not_before: datetime | None = None
) -> None:
    """A ticket for each ref → (queue, kind), in one statement and with one doorbell."""
    due = {} if not_before is None else {"run_after": not_before}
    lane = current_schema()
    rows = [
        Ticket(lane_id=lane, task=task, ref=ref, queue=queue, kind=kind[:60], **due)
        for ref, (queue, kind) in work.items()
    ]
    Ticket.objects.bulk_create(rows, ignore_conflicts=True)
    transaction.on_commit(pump, robust=True)


def pump() -> int:
    """Send what is next in turn, as far as the windows have room. Returns how many were sent."""
    total, again = 0, True
    while again:
        chosen, again = pump_once()
        total += len(chosen)
    return total


def pump_once() -> tuple[list[tuple[str, ...]], bool]:
    """What was sent, and whether a tenant's slots left places free that others can take."""
    sizes: dict[str, Any] = {"queues": list(windows()), "sizes": list(windows().values())}
    with in_public(), connection.cursor() as cursor:
        cursor.execute(IS_NEEDED, sizes)
        if not cursor.fetchone()[0]:
            return [], False
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK, [PUMP_LOCK])
        cursor.execute(SETTLE)
        rows = planned_once(PUMP, sizes)
        chosen = [row[:4] for row in rows]
        transaction.on_commit(partial(ring, chosen))
    return chosen, any(row[4] for row in rows)


def ring(chosen: list[tuple[str, ...]]) -> None:
    """Send the messages; what the broker refuses stays ``sent`` and is taken back by the sweep."""
    for ticket, task, queue, schema_name in chosen:
        if not send(task, ticket, queue=queue, schema_name=schema_name):
            return


def claim(ticket: str) -> Lease | None:
    """Take a ticket. None when it is taken, done or unknown: a second message does nothing."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(CLAIM, [owners.me(), env().dispatch.lease_s, ticket])
        row = cursor.fetchone()
    if row is None:
        return None
    fence, attempts, ref, schema_name, _ = row
    return Lease(ticket, ref, fence, attempts, schema_name)


def keep(lease: Lease) -> bool:
    """Prolong a lease. False when it is lost."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [env().dispatch.lease_s, lease.ticket_id, lease.fence])
        return bool(cursor.rowcount == 1)


@contextmanager
def kept(lease: Lease) -> Iterator[Lease]:
    """Prolong the lease from a thread of its own while the block runs.

    ``lease.lost`` is set at once when the ticket is withdrawn, within a second if the ring is lost.
    """
    stop, wake = threading.Event(), threading.Event()
    thread = threading.Thread(target=keep_until, args=(lease, stop, wake), daemon=True)
    thread.start()
    try:
        with doorbell.hearing(doorbell.Spot("ticket", PUBLIC, lease.ticket_id), wake.set):
            yield lease
    finally:
        stop.set()
        wake.set()
        thread.join()


def keep_until(lease: Lease, stop: threading.Event, wake: threading.Event) -> None:
    """The heartbeat, once a second and at each ring; a database that is away is tried again."""
    while True:
        wake.wait(doorbell.LOOK_S)
        wake.clear()
        if stop.is_set():
            break
        try:
            with in_public():
                alive = keep(lease)
        except DatabaseError:
            connection.close()
            continue
        if not alive:
            lease.lost.set()
            break
    connection.close()


def close(lease: Lease) -> None:
    """Close the ticket inside the transaction that writes the result. Raises LeaseLost."""
    release(lease, State.DONE, 0)
    transaction.on_commit(pump, robust=True)


def retry(lease: Lease, *, delay_s: float) -> None:
    """Give the ticket back, to be due later. Raises LeaseLost."""
    release(lease, State.WAITING, delay_s)
    if delay_s <= 0:
        transaction.on_commit(pump, robust=True)


def bury(lease: Lease, *, reason: str) -> None:
    """Give the work up by a fault of ours: a dead letter. Raises LeaseLost."""
    release(lease, State.DEAD, 0, reason)
    transaction.on_commit(pump, robust=True)


def abandon(lease: Lease) -> None:
    """Close the ticket of work that was ended elsewhere (canceled), if it is still ours."""
    with suppress(LeaseLost), in_public(), transaction.atomic():
        close(lease)


def release(lease: Lease, state: State, delay_s: float, reason: str = "") -> None:
    """Let go of a ticket, if the fence still stands."""
    values: list[str | float] = [lease.ticket_id, lease.fence, state, state, delay_s, reason[:200]]
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, values)
        if cursor.rowcount != 1:
            raise LeaseLost(lease.ticket_id)


def withdraw(*, task: str, ref: str) -> bool:
    """Take back an open ticket; who runs it loses the lease at once. True when there was one.

    Its place is free for the same work from here on: a retry gets a ticket of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute(WITHDRAW, [task, ref])
        row = cursor.fetchone()
    if row is None:
        return False
    doorbell.ring("ticket", str(row[0]), schema_name=PUBLIC)
    transaction.on_commit(pump, robust=True)
    return True


def reconcile() -> int:
    """Take back what lost its lease or its message, then pump. Returns how many came back."""
    resend_s = env().dispatch.resend_s
    if redis_was_emptied():
        resend_s = 0
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT owner FROM dispatch_ticket WHERE state = 'running'")
        dead = [owner for (owner,) in cursor.fetchall() if owners.is_dead(owner)]
        cursor.execute(RECLAIM_LOST, [dead, MOST_LOST, MOST_LOST])
        lost = len(cursor.fetchall())
        cursor.execute(RECLAIM_UNHEARD, [resend_s])
        unheard = len(cursor.fetchall())
    if lost or unheard:
        log.info("taken back: %s tickets whose holder died, %s that nobody heard", lost, unheard)
    pump()
    survey()
    return lost + unheard


def forget_done() -> int:
    """Delete tickets that ended a while ago, some thousands at a time. Returns how many."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(FORGET, [env().dispatch.keep_done_s, FORGET_AT_ONCE])
        return int(cursor.rowcount)


def redis_was_emptied() -> bool:
    """Whether Redis has lost its data since the last sweep (messages with it)."""
    try:
        return bool(cache.add(EPOCH, 1, timeout=None))
    except (RedisError, ConnectionError):
        return False


def ensure_public_lane() -> None:
    """The lane of work that belongs to no tenant (mails)."""
    set_lane(schema_name=PUBLIC, weight=4, slots=100)
