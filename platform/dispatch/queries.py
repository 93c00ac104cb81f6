"""Where a ticket stands in its queue: read from the last survey, never by counting the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

# Waiting tickets between the rung below and the own one, by index ranges of at most a few dozen.
POSITION = """
WITH mine AS (
  SELECT id, queue, lane_id, priority, kind, state, sent_at FROM dispatch_ticket
  WHERE task = %s AND ref = %s AND state IN ('waiting', 'sent')
), rung AS (
  SELECT r.* FROM mine m CROSS JOIN LATERAL (
    SELECT * FROM dispatch_rung r WHERE r.lane_id = m.lane_id AND r.queue = m.queue
      AND (r.priority > m.priority OR (r.priority = m.priority AND r.ticket <= m.id))
    ORDER BY r.priority, r.ticket DESC LIMIT 1) r
)
SELECT m.state,
  (SELECT count(*) FROM dispatch_ticket t WHERE t.queue = m.queue AND t.lane_id = m.lane_id
    AND t.state = 'waiting' AND t.priority = m.priority AND t.id < m.id
    AND t.id >= CASE WHEN r.priority = m.priority THEN r.ticket ELSE '' END)
  + (SELECT count(*) FROM dispatch_ticket t WHERE t.queue = m.queue AND t.lane_id = m.lane_id
    AND t.state = 'waiting' AND t.priority > m.priority
    AND t.priority < coalesce(r.priority, 32767))
  + (SELECT count(*) FROM dispatch_ticket t WHERE t.queue = m.queue AND t.lane_id = m.lane_id
    AND t.state = 'waiting' AND t.priority = r.priority AND r.priority > m.priority
    AND t.id >= r.ticket),
  r.ahead - (coalesce(s.sent, 0) - r.sent), r.start_seconds, r.each_seconds,
  extract(epoch FROM now() - c.surveyed_at)::float, c.parallel, c.ahead_seconds,
  c.weights, l.weight,
  coalesce(p.seconds, a.seconds), a.seconds,
  (SELECT count(*) FROM dispatch_ticket t WHERE t.queue = m.queue AND t.state = 'sent'
    AND m.state = 'sent' AND t.sent_at < m.sent_at)
FROM mine m
JOIN dispatch_lane l ON l.schema_name = m.lane_id
LEFT JOIN rung r ON true
LEFT JOIN dispatch_share s ON s.lane_id = m.lane_id AND s.queue = m.queue
LEFT JOIN dispatch_clock c ON c.queue = m.queue
LEFT JOIN dispatch_pace p ON p.queue = m.queue AND p.kind = m.kind
LEFT JOIN dispatch_pace a ON a.queue = m.queue AND a.kind = ''
"""


@dataclass(frozen=True)
class Place:
    """Position in the own lane (1 = next), and what measured service times let expect."""

    position: int
    estimated_start_seconds: float | None
    estimated_finish_seconds: float | None


@dataclass(frozen=True)
class Found:
    """What POSITION reads: of the ticket, its rung (None: it came after the survey), its queue."""

    state: str
    between: int  # waiting tickets from the rung to the own one
    rung_ahead: int | None  # tickets that still are before the rung
    rung_start_s: float | None
    rung_each_s: float | None
    age_s: float | None  # of the survey
    parallel: float | None
    ahead_s: float | None
    weights: float | None
    weight: int
    own_s: float | None  # that its kind takes
    mean_s: float | None  # that its queue's work takes
    sent_before: int


def place_of(*, task: str, ref: str) -> Place | None:
    """None once the ticket runs or is done."""
    with connection.cursor() as cursor:
        cursor.execute(POSITION, [task, ref])
        row: Any = cursor.fetchone()
    if row is None:
        return None
    found = Found(*row)
    position = found.between + max(found.rung_ahead or 0, 0) + 1
    if found.own_s is None or found.mean_s is None:
        return Place(position, None, None)
    start = max(expected_start(found), 0.0)
    return Place(position, round(start, 2), round(start + found.own_s, 2))


def expected_start(found: Found) -> float:
    """Seconds from now; below zero when it should have started already."""
    mean, parallel = found.mean_s or 0.0, found.parallel or 1.0
    if found.state == "sent":
        return found.sent_before * mean / parallel
    age = found.age_s or 0.0
    if found.rung_start_s is not None and found.rung_each_s is not None:
        return found.rung_start_s + found.between * found.rung_each_s - age
    # It came after the survey: its lane gets its share beside those that were in line then.
    share = parallel * found.weight / ((found.weights or 0.0) + found.weight)
    return max((found.ahead_s or 0.0) - age, 0.0) + found.between * mean / share


def depths() -> dict[str, int]:
    """Waiting tickets by queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT queue, count(*) FROM dispatch_ticket WHERE state = 'waiting' GROUP BY queue"
        )
        return dict(cursor.fetchall())
