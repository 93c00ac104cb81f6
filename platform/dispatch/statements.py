"""The statements that move one ticket, or sweep many: each is a whole step of its life."""

from __future__ import annotations

SUBMIT = """
INSERT INTO dispatch_ticket (id, lane_id, task, ref, queue, kind, priority, state, charged,
  attempts, fence, owner, run_after)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'waiting', 0, 0, 0, '',
  greatest(now() + %s * interval '1 second', %s))
ON CONFLICT DO NOTHING RETURNING id
"""

CLAIM = """
UPDATE dispatch_ticket
SET state = 'running', attempts = attempts + 1, fence = fence + 1, owner = %s,
    started_at = now(), lease_until = now() + %s * interval '1 second'
WHERE id = %s AND state IN ('waiting', 'sent') AND NOT EXISTS
  (SELECT 1 FROM dispatch_lane l WHERE l.schema_name = lane_id AND l.is_paused)
RETURNING fence, attempts, ref, lane_id, set_config('synchronous_commit', 'off', true)
"""

KEEP = """
UPDATE dispatch_ticket SET lease_until = now() + %s * interval '1 second'
WHERE id = %s AND fence = %s AND state = 'running'
RETURNING set_config('synchronous_commit', 'off', true)
"""

# `was`: a ticket as it was; `over`: the same once it is let go; `spent`: what its lane is charged.
WAS = """
SELECT id, state AS was_state, lane_id, queue, kind, charged, started_at
FROM dispatch_ticket
"""

SPENT = """
INSERT INTO dispatch_spent (lane, queue, kind, seconds, charged, is_whole)
SELECT lane_id, queue, kind,
       CASE WHEN was_state = 'running' THEN extract(epoch FROM now() - started_at) ELSE 0 END,
       charged, is_whole
FROM over
"""

CLOSE = f"""
WITH was AS ({WAS} WHERE id = %s AND fence = %s AND state = 'running' FOR UPDATE), over AS (
  UPDATE dispatch_ticket t
  SET state = %s, finished_at = CASE WHEN %s IN ('done', 'dead') THEN now() END,
      run_after = now() + %s * interval '1 second', lease_until = NULL, charged = 0, reason = %s
  FROM was WHERE t.id = was.id RETURNING was.*, t.state = 'done' AS is_whole
) {SPENT}
"""  # noqa: S608 - all of it ours

WITHDRAW = f"""
WITH was AS (
  {WAS} WHERE task = %s AND ref = %s AND state IN ('waiting', 'sent', 'running') FOR UPDATE
), over AS (
  UPDATE dispatch_ticket t SET state = 'done', fence = fence + 1, lease_until = NULL,
    finished_at = now(), charged = 0
  FROM was WHERE t.id = was.id RETURNING was.*, false AS is_whole
), spent AS ({SPENT})
SELECT id FROM over
"""  # noqa: S608

RECLAIM_LOST = f"""
WITH was AS (
  {WAS} WHERE state = 'running' AND (lease_until < now() OR owner = ANY(%s)) FOR UPDATE
), over AS (
  UPDATE dispatch_ticket t
  SET state = CASE WHEN t.lost + 1 < %s THEN 'waiting' ELSE 'dead' END, lost = t.lost + 1,
      lost_at = now(), lease_until = NULL, charged = 0,
      reason = CASE WHEN t.lost + 1 < %s THEN '' ELSE 'Whoever held it died, each time.' END
  FROM was WHERE t.id = was.id RETURNING was.*, false AS is_whole
), spent AS ({SPENT})
SELECT id FROM over
"""  # noqa: S608

RECLAIM_UNHEARD = f"""
WITH was AS (
  {WAS} WHERE state = 'sent' AND sent_at < now() - %s * interval '1 second' FOR UPDATE
), over AS (
  UPDATE dispatch_ticket t SET state = 'waiting', charged = 0
  FROM was WHERE t.id = was.id RETURNING was.*, false AS is_whole
), spent AS ({SPENT})
SELECT id FROM over
"""  # noqa: S608

FORGET = """
DELETE FROM dispatch_ticket WHERE id IN
  (SELECT id FROM dispatch_ticket
   WHERE state = 'done' AND (finished_at IS NULL OR finished_at < now() - %s * interval '1 second')
   LIMIT %s)
"""
