"""Where a ticket stands in its queue."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

POSITION = """
WITH mine AS (SELECT id, queue, lane_id FROM dispatch_ticket
              WHERE task = %s AND ref = %s AND state IN ('waiting', 'sent')),
recent AS (SELECT extract(epoch FROM finished_at - started_at) AS seconds
           FROM dispatch_ticket WHERE state = 'done' AND queue = (SELECT queue FROM mine)
           ORDER BY finished_at DESC NULLS LAST LIMIT 50)
SELECT (SELECT count(*) FROM dispatch_ticket t, mine
        WHERE t.lane_id = mine.lane_id AND t.queue = mine.queue AND t.state = 'waiting'
          AND t.id < mine.id) + 1,
       (SELECT count(DISTINCT t.lane_id) FROM dispatch_ticket t, mine
        WHERE t.queue = mine.queue AND t.state IN ('waiting', 'sent', 'running')),
       (SELECT avg(seconds) FROM recent), (SELECT queue FROM mine)
FROM mine
"""


@dataclass(frozen=True)
class Place:
    """Position in the own lane (1 = next), and what recent service times let expect."""

    position: int
    estimated_start_seconds: float | None
    estimated_finish_seconds: float | None


def place_of(*, task: str, ref: str, parallel: dict[str, int]) -> Place | None:
    """None once the ticket runs or is done."""
    with connection.cursor() as cursor:
        cursor.execute(POSITION, [task, ref])
        row = cursor.fetchone()
    if row is None:
        return None
    position, lanes, seconds, queue = row
    if seconds is None:
        return Place(position, None, None)
    each = float(seconds) * max(lanes, 1) / max(parallel.get(queue, 1), 1)
    start = round((position - 1) * each, 1)
    return Place(position, start, round(start + float(seconds), 1))


def depths() -> dict[str, int]:
    """Waiting tickets by queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue, count(*) FROM dispatch_ticket WHERE state = 'waiting' GROUP BY queue"
        )
        return dict(cursor.fetchall())
