"""Whose turn it is: start-time fair queueing by seconds of service, in SQL (ADR 0030).

Each lane has, in each queue, the seconds of service that it had for a unit of its weight. Next is
the lane that had least. A ticket is charged what its kind takes when it is sent, and put right when
it ends. Who comes back from idleness begins where the turn is: idleness earns nothing. A lane's
first place goes by when its work would start in a fair world, further ones by when it would end:
who works long does not take a second worker from who works briefly.
"""

from __future__ import annotations

UNKNOWN_S = 1.0  # that work is taken to last of which nothing is known
MEMORY = 0.95  # of what a kind took: the newest run changes a twentieth of it

# Asked without the lock: whoever makes room or work after this answer pumps by itself.
IS_NEEDED = """
SELECT EXISTS (
  SELECT 1 FROM unnest(%(queues)s::text[], %(sizes)s::int[]) AS w(queue, size)
  WHERE EXISTS (SELECT 1 FROM dispatch_ticket t WHERE t.queue = w.queue AND t.state = 'waiting')
    AND w.size > (SELECT count(*) FROM dispatch_ticket t
                  WHERE t.queue = w.queue AND t.state IN ('sent', 'running')))
"""

LOCK = "SELECT pg_advisory_xact_lock(%s), set_config('synchronous_commit', 'off', true)"

SETTLE = f"""
WITH gone AS (
  DELETE FROM dispatch_spent RETURNING lane, queue, kind, seconds, charged, is_whole
), paid AS (
  UPDATE dispatch_share s SET served = s.served + owed.seconds / greatest(lane.weight, 1)
  FROM (SELECT lane, queue, sum(seconds - charged) AS seconds FROM gone GROUP BY 1, 2) owed
  JOIN dispatch_lane lane ON lane.schema_name = owed.lane
  WHERE s.lane_id = owed.lane AND s.queue = owed.queue
)
INSERT INTO dispatch_pace AS p (queue, kind, seconds, runs)
SELECT queue, kind, avg(seconds), count(*)
FROM (SELECT queue, kind, seconds FROM gone WHERE is_whole
      UNION ALL SELECT queue, '', seconds FROM gone WHERE is_whole AND kind <> '') run
GROUP BY 1, 2
ON CONFLICT (queue, kind) DO UPDATE SET runs = p.runs + excluded.runs,
  seconds = p.seconds + (excluded.seconds - p.seconds)
    * greatest(excluded.runs::float / (p.runs + excluded.runs), 1 - {MEMORY} ^ excluded.runs)
"""  # noqa: S608 - a number of ours

# Lanes with waiting tickets are found by one index probe each (the comparison of pairs leaves the
# planner no other index than `dispatch_in_line`); idle lanes cost nothing.
# Long work (media) leaves a tenant one of its slots for the rest.
PUMP = f"""
WITH RECURSIVE room AS (
  SELECT w.queue, w.size - count(t.id) AS free
  FROM unnest(%(queues)s::text[], %(sizes)s::int[]) AS w(queue, size)
  LEFT JOIN dispatch_ticket t ON t.queue = w.queue AND t.state IN ('sent', 'running')
  GROUP BY w.queue, w.size HAVING w.size > count(t.id)
), line AS (
  (SELECT queue, lane_id FROM dispatch_ticket WHERE state = 'waiting'
   ORDER BY queue, lane_id LIMIT 1)
  UNION ALL
  SELECT t.queue, t.lane_id FROM line CROSS JOIN LATERAL (
    SELECT queue, lane_id FROM dispatch_ticket t
    WHERE state = 'waiting' AND (t.queue, t.lane_id) > (line.queue, line.lane_id)
    ORDER BY queue, lane_id LIMIT 1) t
), busy AS (
  SELECT lane_id, queue = 'io' AS is_io, count(*) AS n,
         count(*) FILTER (WHERE queue = 'media') AS long
  FROM dispatch_ticket WHERE state IN ('sent', 'running') GROUP BY 1, 2
), held AS (
  SELECT lane_id, queue, count(*) AS n, sum(CASE WHEN state = 'running' THEN greatest(
           extract(epoch FROM now() - started_at) - charged, 0) ELSE 0 END) AS late_s
  FROM dispatch_ticket WHERE state IN ('sent', 'running') GROUP BY 1, 2
), candidate AS (
  SELECT t.id, t.priority, t.cost, room.queue, room.free, lane.schema_name AS lane_id,
         greatest(lane.weight, 1) AS weight, lane.slots - coalesce(busy.n, 0) AS slots,
         CASE WHEN share.is_in_turn THEN share.served
              ELSE greatest(share.served, clock.turn, 0) END AS had,
         coalesce(held.late_s, 0) AS late_s, coalesce(held.n, 0) AS held,
         greatest(lane.slots - 1, 1) - coalesce(busy.long, 0) AS long_slots,
         row_number() OVER mine AS nth, sum(t.cost) OVER mine - t.cost AS before
  FROM room
  JOIN line ON line.queue = room.queue
  JOIN dispatch_lane lane ON lane.schema_name = line.lane_id AND NOT lane.is_paused
  LEFT JOIN dispatch_share share ON share.queue = room.queue AND share.lane_id = line.lane_id
  LEFT JOIN dispatch_clock clock ON clock.queue = room.queue
  LEFT JOIN held ON held.lane_id = line.lane_id AND held.queue = room.queue
  LEFT JOIN busy ON busy.lane_id = line.lane_id AND busy.is_io = (room.queue = 'io')
  CROSS JOIN LATERAL (
    SELECT id, priority, coalesce(
      (SELECT seconds FROM dispatch_pace p WHERE p.queue = room.queue AND p.kind = w.kind),
      (SELECT seconds FROM dispatch_pace p WHERE p.queue = room.queue AND p.kind = ''),
      {UNKNOWN_S}) AS cost
    FROM dispatch_ticket w
    WHERE w.queue = room.queue AND w.lane_id = line.lane_id AND w.state = 'waiting'
      AND w.run_after <= now()
    ORDER BY w.priority DESC, w.id LIMIT room.free
  ) t
  WINDOW mine AS (PARTITION BY line.lane_id, room.queue ORDER BY t.priority DESC, t.id)
), able AS (
  SELECT *, row_number() OVER (
    PARTITION BY queue ORDER BY
      had + (late_s + before + CASE WHEN held + nth > 1 THEN cost ELSE 0 END) / weight, id
  ) AS place
  FROM candidate
  WHERE queue = 'io' OR (nth <= slots AND (queue <> 'media' OR nth <= long_slots))
), next AS (
  SELECT *, queue <> 'io' AND slots < row_number() OVER (
              PARTITION BY lane_id, queue = 'io' ORDER BY priority DESC, id) AS is_over
  FROM able WHERE place <= free
), sent AS (
  UPDATE dispatch_ticket t SET state = 'sent', sent_at = now(), charged = next.cost
  FROM next WHERE t.id = next.id AND t.state = 'waiting' AND NOT next.is_over
  RETURNING t.id, t.task, t.queue, t.lane_id, next.place
), moved AS (
  INSERT INTO dispatch_share AS s (lane_id, queue, served, is_in_turn, sent)
  SELECT lane_id, queue, had + coalesce(sum(next.cost), 0) / weight, true, count(next.id)
  FROM able LEFT JOIN (SELECT id, cost FROM next WHERE NOT is_over) next USING (id)
  GROUP BY lane_id, queue, had, weight
  ON CONFLICT (queue, lane_id) DO UPDATE
    SET served = excluded.served, is_in_turn = true, sent = s.sent + excluded.sent
    WHERE excluded.sent > 0 OR NOT s.is_in_turn
), rested AS (
  UPDATE dispatch_share s SET is_in_turn = false FROM room
  WHERE s.queue = room.queue AND s.is_in_turn AND NOT EXISTS
    (SELECT 1 FROM able WHERE able.queue = s.queue AND able.lane_id = s.lane_id)
), told AS (
  INSERT INTO dispatch_clock AS c (queue, turn, parallel, ahead_seconds, weights)
  SELECT queue, min(had), 1, 0, 0 FROM able GROUP BY queue
  ON CONFLICT (queue) DO UPDATE SET turn = excluded.turn WHERE c.turn < excluded.turn
)
SELECT id, task, queue, lane_id, (SELECT count(*) FROM next WHERE is_over) FROM sent ORDER BY place
"""  # noqa: S608
