"""Lanes with tickets of no tenant, and workers that take no time."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable

import pytest
from django.db import connection

import dispatch.services as dispatch
from dispatch.models import Ticket


def make_lane(weight: int = 1, slots: int = 100) -> str:
    """A lane's name."""
    name = f"lane_{secrets.token_hex(4)}"
    dispatch.set_lane(schema_name=name, weight=weight, slots=slots)
    return name


def make_tickets(
    lane: str, count: int, *, queue: str = "convert", state: str = "waiting", kind: str = ""
) -> None:
    """So many tickets, in their order."""
    Ticket.objects.bulk_create(
        Ticket(
            lane_id=lane, task="t", ref=secrets.token_hex(8), queue=queue, state=state, kind=kind
        )
        for _ in range(count)
    )


def sent(lane: str) -> int:
    """Tickets of a lane that were sent and not claimed."""
    return Ticket.objects.filter(lane_id=lane, state="sent").count()


def windows(monkeypatch: pytest.MonkeyPatch, **sizes: int) -> None:
    """The queues' windows; 0 where not named."""
    every = {"convert": 0, "office": 0, "media": 0, "io": 0, **sizes}
    monkeypatch.setattr(dispatch, "windows", lambda: every)


def claim_next(queue: str = "convert") -> tuple[dispatch.Lease, Ticket] | None:
    """What a free worker takes: the message that was sent first."""
    row = Ticket.objects.filter(state="sent", queue=queue).order_by("sent_at", "id").first()
    lease = dispatch.claim(row.pk) if row else None
    return (lease, row) if lease and row else None


def run_for(lease: dispatch.Lease, seconds: float) -> None:
    """End a run as if it had taken so long."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dispatch_ticket SET sent_at = now() - %s * interval '1 second',"
            " started_at = now() - %s * interval '1 second' WHERE id = %s",
            [seconds, seconds, lease.ticket_id],
        )
    dispatch.close(lease)


def service_seconds(
    parallel: int, until_s: float, takes: Callable[[Ticket], float], queue: str = "convert"
) -> dict[str, float]:
    """Seconds of service for each lane in a time that only the test's clock knows."""
    now, number = 0.0, 0
    running: list[tuple[float, int, dispatch.Lease, float]] = []
    had: dict[str, float] = {}
    dispatch.pump()
    while now < until_s:
        while len(running) < parallel and (taken := claim_next(queue)):
            lease, row = taken
            seconds, number = takes(row), number + 1
            heapq.heappush(running, (now + seconds, number, lease, seconds))
        if not running:
            break
        now, _, lease, seconds = heapq.heappop(running)
        run_for(lease, seconds)
        had[lease.schema_name] = had.get(lease.schema_name, 0.0) + seconds
    for ends_at, _, lease, seconds in running:
        run_for(lease, seconds - max(ends_at - now, 0.0))
    return had
