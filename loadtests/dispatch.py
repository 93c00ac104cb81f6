"""`python -m loadtests.dispatch [--jobs 40]`: accepted to engine started, idle and beside 10,000.

On a stack of its own a tenant sends one small picture after the other; beside them wait no tickets
at all, then 10,000 of other tenants that are at their slots. Medians by the database's rows, rounds
in turn. The last line is ``over=0`` when a long queue costs at most 1.5 times an empty one.
"""

from __future__ import annotations

import argparse
import statistics
import sys

from loadtests.house import House, on_disk
from loadtests.throughput import IMAGE

QUEUED, LANES, ROUNDS = 10_000, 20, 3
GOAL = 1.5
WAITING = """
INSERT INTO dispatch_lane (schema_name, weight, slots, is_paused)
SELECT 'load_' || n, 1, 0, false FROM generate_series(1, {lanes}) n ON CONFLICT DO NOTHING;
INSERT INTO dispatch_ticket
  (id, lane_id, task, ref, queue, kind, priority, state, charged, attempts, fence, owner)
SELECT 'tkt_0' || md5(n::text), 'load_' || (n % {lanes} + 1), 'none', md5(n::text),
  (ARRAY['convert', 'office', 'media', 'convert'])[n % 4 + 1], 'png>webp', 0, 'waiting', 0, 0, 0, ''
FROM generate_series(1, {count}) n;
ANALYZE dispatch_ticket
"""
GONE = "DELETE FROM dispatch_ticket WHERE lane_id LIKE 'load\\_%'"
TAKEN = """
SELECT extract(epoch FROM s.started_at - j.created_at) * 1000
FROM {schema}.conversions_job j JOIN {schema}.conversions_step s ON s.job_id = j.id
WHERE j.id = ANY('{{{ids}}}') AND s.position = 0
"""


def one_by_one(house: House, schema: str, count: int) -> list[float]:
    """Ms from accepted to started of each of so many pictures, one at a time."""
    ids = []
    for number in range(count):
        ids.append(house.one.convert(f"{number}.png", IMAGE.read_bytes(), "webp"))
        house.one.finished(ids[-1])
    rows = house.rows(TAKEN.format(schema=schema, ids=",".join(ids)))
    return [float(ms) for (ms,) in rows]


def main() -> int:
    """0 when the goal holds."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--jobs", type=int, default=40)
    jobs = wanted.parse_args().jobs
    with on_disk("dispatch") as house:
        house.rows("UPDATE tenants_tenant SET requests_per_hour = NULL")
        schema = house.schema(0)
        one_by_one(house, schema, 5)
        idle: list[float] = []
        full: list[float] = []
        for _ in range(ROUNDS):
            idle += one_by_one(house, schema, jobs // ROUNDS)
            for statement in WAITING.format(lanes=LANES, count=QUEUED).split(";"):
                house.rows(statement)
            full += one_by_one(house, schema, jobs // ROUNDS)
            house.rows(GONE)
    few, many = statistics.median(idle), statistics.median(full)
    print(f"\nFrom accepted to engine started, medians of {len(idle)}")
    print(f"  nothing waits                 {few:8.1f} ms")
    print(f"  {QUEUED} tickets wait          {many:8.1f} ms {many / few:6.2f} ×")
    print(f"over={int(many > GOAL * few)}")
    return int(many > GOAL * few)


if __name__ == "__main__":
    sys.exit(main())
