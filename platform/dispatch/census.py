"""The survey of the lines, every few seconds: what reads of a ticket's place count from.

A read must not count ten thousand tickets. So each fiftieth ticket of a line is written down with
its place and its expected start, and a read counts from the rung before its ticket.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from core.tenancy import in_public
from dispatch.forecast import Curve, Line, curves, when
from dispatch.turns import UNKNOWN_S

RUNG = 50  # tickets from one rung to the next
SURVEY_LOCK = 0xD16  # key of the advisory lock: one survey at a time
LEAST_SLOTS = 0.001  # of a lane without any: its work would end some day
TRUST = 0.3  # of what one survey sees of a queue's parallel work

LEAST_PARALLEL = 0.2  # less is a fault that passes, not a pace

# Per queue: what runs, seconds of service that it and what is sent still take, whether tickets
# waited at the last survey, and how many ran at once since then, in the mean: between two tickets
# a worker does what is nobody's service, so that fewer run than there are workers.
LOADS = f"""
SELECT c.queue, open.running, open.left_s, c.weights > 0, (open.since_s + over.since_s)
         / greatest(extract(epoch FROM now() - coalesce(c.surveyed_at, now())), 0.1)
FROM dispatch_clock c
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE state = 'running') AS running,
    coalesce(sum(CASE WHEN state = 'sent' THEN coalesce(nullif(charged, 0), {UNKNOWN_S})
      ELSE greatest(charged - extract(epoch FROM now() - started_at), 0) END), 0) AS left_s,
    coalesce(sum(extract(epoch FROM now() - greatest(started_at, c.surveyed_at)))
      FILTER (WHERE state = 'running'), 0) AS since_s
  FROM dispatch_ticket WHERE queue = c.queue AND state IN ('sent', 'running')) open
CROSS JOIN LATERAL (
  SELECT coalesce(sum(extract(epoch FROM finished_at - greatest(started_at, c.surveyed_at))), 0)
    AS since_s
  FROM dispatch_ticket
  WHERE queue = c.queue AND state = 'done' AND finished_at > c.surveyed_at
    AND started_at IS NOT NULL) over
"""  # noqa: S608 - a number of ours

LINES = f"""
SELECT queue, lane_id, priority, id, nth, before, total, tickets, weight, slots, sent FROM (
  SELECT t.queue, t.lane_id, t.priority, t.id, greatest(l.weight, 1) AS weight, l.slots,
         coalesce(s.sent, 0) AS sent, row_number() OVER mine - 1 AS nth,
         sum(coalesce(p.seconds, a.seconds, {UNKNOWN_S})) OVER mine
           - coalesce(p.seconds, a.seconds, {UNKNOWN_S}) AS before,
         sum(coalesce(p.seconds, a.seconds, {UNKNOWN_S}))
           OVER (PARTITION BY t.queue, t.lane_id) AS total,
         count(*) OVER (PARTITION BY t.queue, t.lane_id) AS tickets
  FROM dispatch_ticket t
  JOIN dispatch_lane l ON l.schema_name = t.lane_id AND NOT l.is_paused
  LEFT JOIN dispatch_share s ON s.lane_id = t.lane_id AND s.queue = t.queue
  LEFT JOIN dispatch_pace p ON p.queue = t.queue AND p.kind = t.kind
  LEFT JOIN dispatch_pace a ON a.queue = t.queue AND a.kind = ''
  WHERE t.state = 'waiting' AND t.run_after <= now()
  WINDOW mine AS (PARTITION BY t.queue, t.lane_id ORDER BY t.priority DESC, t.id)
) line WHERE mod(nth, {RUNG}) = 0
ORDER BY queue, lane_id, nth
"""  # noqa: S608

NOTE_RUNGS = """
INSERT INTO dispatch_rung
  (queue, lane_id, priority, ticket, ahead, sent, start_seconds, each_seconds)
SELECT * FROM unnest(%s::text[], %s::text[], %s::smallint[], %s::text[], %s::int[], %s::bigint[],
                     %s::float[], %s::float[])
"""

NOTE_CLOCK = f"""
INSERT INTO dispatch_clock AS c (queue, turn, parallel, ahead_seconds, weights, surveyed_at)
VALUES (%(queue)s, 0, %(first)s, %(ahead)s, %(weights)s, now())
ON CONFLICT (queue) DO UPDATE SET ahead_seconds = excluded.ahead_seconds,
  weights = excluded.weights, surveyed_at = excluded.surveyed_at,
  parallel = c.parallel + (%(worked)s - c.parallel)
    * CASE WHEN %(is_full)s THEN {TRUST} WHEN %(worked)s > c.parallel THEN 1 ELSE 0 END
RETURNING parallel
"""  # noqa: S608


@dataclass(frozen=True)
class Load:
    """What LOADS reads of one queue."""

    running: int = 0
    left_s: float = 0.0
    was_full: bool = False
    worked: float = 0.0


@dataclass(frozen=True)
class Row:
    """Each fiftieth ticket of a line, as it was found."""

    queue: str
    lane: str
    priority: int
    ticket: str
    ahead: int
    before_s: float  # of service of those ahead
    total_s: float  # of the whole line
    tickets: int  # in the whole line
    weight: int
    slots: int
    sent: int


def survey() -> int:
    """Write the rungs anew. Returns how many. Another one that is under way is enough."""
    with in_public(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s), set_config('synchronous_commit', 'off', true)",
            [SURVEY_LOCK],
        )
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(LOADS)
        loads = {
            queue: Load(running, float(left), full, float(worked))
            for queue, running, left, full, worked in cursor.fetchall()
        }
        cursor.execute(LINES)
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in cursor.fetchall():
            rows[row[0]].append(Row(*row))
        cursor.execute("DELETE FROM dispatch_rung")
        rungs = [
            rung
            for queue in sorted(loads.keys() | rows.keys())
            for rung in surveyed(cursor, queue, loads.get(queue, Load()), rows[queue])
        ]
        if rungs:
            cursor.execute(NOTE_RUNGS, [list(column) for column in zip(*rungs, strict=True)])
    return len(rungs)


def surveyed(cursor: Any, queue: str, load: Load, rows: list[Row]) -> list[tuple[Any, ...]]:
    """The rungs of one queue; its clock is written."""
    lines = {
        row.lane: Line(row.weight, max(row.slots, LEAST_SLOTS), row.total_s)
        for row in rows
        if not row.ahead
    }
    first = float(max(load.running, 1))  # before anything was measured
    told = {
        "queue": queue,
        "first": first,
        "worked": load.worked,
        "ahead": load.left_s / first,
        "weights": float(sum(line.weight for line in lines.values())),
        "is_full": load.was_full and bool(lines) and load.worked >= LEAST_PARALLEL,
    }
    cursor.execute(NOTE_CLOCK, told)
    (parallel,) = cursor.fetchone()
    found = curves(lines, parallel)
    return [rung_of(row, found[row.lane], load.left_s / parallel) for row in rows]


def rung_of(row: Row, curve: Curve, ahead_s: float) -> tuple[Any, ...]:
    """In the order of NOTE_RUNGS. What comes behind is taken to last as its line on average."""
    mean = row.total_s / row.tickets
    reach = min(row.before_s + mean * RUNG, row.total_s)
    start = when(curve, row.before_s)
    each = (when(curve, reach) - start) * mean / max(reach - row.before_s, 1e-9)
    return (
        *(row.queue, row.lane, row.priority, row.ticket, row.ahead, row.sent),
        *(ahead_s + start, each),
    )
