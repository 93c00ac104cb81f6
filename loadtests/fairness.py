"""`python -m loadtests.fairness [--seconds 90]`: greedy neighbours, weights, and what was foretold.

On a stack of its own, with real workers:

1. One tenant queues 1,000 pictures; another one's single picture starts after what was sent before.
2. Tenants of weight 1, 2, 5, 10 keep the queue full with small pictures and some that take ten
   times as long: shares of service time beside shares of weight.
3. How wrong the expected starts of waiting jobs were, in service times.

The last line is ``unfair=0`` when nobody waited for more than a round and each share is within a
tenth of its weight's.
"""

from __future__ import annotations

import argparse
import io
import random
import statistics
import sys
import time
from collections.abc import Iterable
from typing import Any

from PIL import Image

from loadtests.house import Caller, House, on_disk

WEIGHTS = (1, 2, 5, 10)
TOLERANCE = 0.1
GREEDY = 1_000
LONG_EVERY = 10  # every tenth picture takes about ten times as long
WINDOW = 4  # of the queue convert: what can be sent before a late-comer's
SAMPLES = 60
PATIENCE_S = 900
AT_ONCE = 500  # files in one batch
SHARES = """
SELECT lane_id, sum(extract(epoch FROM least(coalesce(finished_at, now()), '{until}')
                                     - greatest(started_at, '{since}'))), count(*)
FROM dispatch_ticket
WHERE queue = 'convert' AND state IN ('done', 'running')
  AND started_at < '{until}' AND coalesce(finished_at, now()) > '{since}'
GROUP BY lane_id
"""
BETWEEN = """
SELECT count(*) FROM dispatch_ticket other, dispatch_ticket mine
WHERE mine.ref = '{job}' AND other.queue = 'convert' AND other.ref <> mine.ref
  AND other.started_at > mine.created_at AND other.started_at < mine.started_at
"""
STARTED = """
SELECT ref, extract(epoch FROM started_at), extract(epoch FROM finished_at - started_at)
FROM dispatch_ticket WHERE state = 'done' AND queue = 'convert' AND ref = ANY('{{{refs}}}')
"""
LEFT = "SELECT lane_id, count(*) FROM dispatch_ticket WHERE state = 'waiting' AND queue = 'convert'"


def picture(side: int) -> bytes:
    """A noisy square."""
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).save(out, "png", compress_level=1)
    return out.getvalue()


def queue_up(caller: Caller, count: int, small: bytes, large: bytes | None = None) -> list[str]:
    """So many pictures in batches. Their jobs, in order."""
    jobs: list[str] = []
    while count > 0:
        files = [
            ("files", (f"{number}.png", large if large and number % LONG_EVERY == 7 else small))
            for number in range(min(count, AT_ONCE))
        ]
        reply = caller.http.post(
            "/api/v1/conversions/batch-convert/",
            data={"output_format": "webp"},
            files=files,
            timeout=300,
        )
        if reply.status_code != 202:
            raise RuntimeError(reply.text[:500])
        jobs += [job["id"] for job in reply.json()["jobs"]]
        count -= AT_ONCE
    return jobs


def late_comer(house: House, greedy: Caller, late: Caller, small: bytes) -> bool:
    """Part 1: whether the late-comer waited for no more than what had been sent."""
    batch = queue_up(greedy, GREEDY, small)
    job = late.convert("late.png", small, "webp")
    done = late.finished(job, timeout_s=PATIENCE_S)
    ((between,),) = house.rows(BETWEEN.format(job=job))
    waited = seconds_between(done["created_at"], done["started_at"])
    print(f"\n{GREEDY} pictures of one tenant wait; a single one of another started")
    print(f"  after {waited:.2f} s; of the greedy one's {between} started meanwhile", flush=True)
    for number in range(0, len(batch), AT_ONCE):
        one = greedy.job(batch[number])
        greedy.http.post(f"/api/v1/conversions/batches/{one['batch_id']}/cancel/", timeout=300)
    house.wait(house.is_settled, PATIENCE_S)
    return bool(between <= WINDOW)


def seconds_between(first: str, second: str) -> float:
    """Of two RFC 3339 times."""
    from datetime import datetime  # noqa: PLC0415

    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()


def shares(house: House, people: list[dict[str, str]], seconds: float) -> bool:
    """Parts 2 and 3: whether each share is within a tenth of its weight's."""
    callers = [house.by_key(person["api_key"]) for person in people]
    for person, weight in zip(people, WEIGHTS, strict=True):
        house.rows(
            f"UPDATE dispatch_lane SET weight = {weight}, slots = 100"  # noqa: S608 - ours
            f" WHERE schema_name = '{person['schema']}'"
        )
    small, large = picture(200), picture(1400)
    jobs = {
        person["schema"]: queue_up(caller, 150 + 60 * weight, small, large)
        for person, caller, weight in zip(people, callers, WEIGHTS, strict=True)
    }
    time.sleep(10)  # the first kinds are measured, the survey has been
    ((since,),) = house.rows("SELECT now()")
    foretold = predictions(zip(callers, jobs.values(), strict=True))
    time.sleep(max(seconds - 10, 0))
    ((until,),) = house.rows("SELECT now()")
    left = dict(house.rows(LEFT + " GROUP BY lane_id"))
    found = {
        lane: (float(s), n) for lane, s, n in house.rows(SHARES.format(since=since, until=until))
    }
    whole, total = sum(WEIGHTS), sum(found[person["schema"]][0] for person in people)
    print(f"\nService time of {len(people)} tenants that kept the queue full for {until - since}")
    fair = True
    for person, weight in zip(people, WEIGHTS, strict=True):
        had, count = found[person["schema"]]
        ratio = (had / total) / (weight / whole)
        fair &= abs(ratio - 1) <= TOLERANCE and left.get(person["schema"], 0) > 0
        print(
            f"  weight {weight:3}: {had:7.1f} s in {count:4} jobs, {had / total:6.1%} of it,"
            f" {ratio:5.2f} of its share; {left.get(person['schema'], 0)} wait still"
        )
    honesty(house, foretold)
    return fair


def predictions(people: Iterable[tuple[Caller, list[str]]]) -> dict[str, tuple[float, float]]:
    """Job → when it was asked (by this clock), and the start that it was told."""
    found = {}
    for caller, jobs in people:
        for job in sorted(random.sample(jobs, min(len(jobs), SAMPLES))):
            queue = caller.job(job)["queue"]
            if queue and queue["estimated_start_seconds"] is not None:
                found[job] = (time.time(), float(queue["estimated_start_seconds"]))
    return found


def honesty(house: House, foretold: dict[str, tuple[float, float]]) -> None:
    """Part 3, of those that have started since."""
    rows: list[Any] = house.rows(STARTED.format(refs=",".join(foretold)))
    if not rows:
        print("\nNothing that was foretold has started.")
        return
    service = statistics.mean(float(row[2]) for row in rows)
    errors = [
        (float(started) - foretold[ref][0] - foretold[ref][1], float(started) - foretold[ref][0])
        for ref, started, _ in rows
    ]
    wrong = statistics.median(abs(error) for error, _ in errors)
    waited = statistics.median(wait for _, wait in errors)
    print(f"\nExpected starts of {len(errors)} waiting jobs that have started since")
    print(f"  median wait {waited:.1f} s, mean service {service:.2f} s")
    print(f"  median absolute error {wrong:.2f} s = {wrong / service:.2f} service times,")
    late = statistics.median(error for error, _ in errors)
    print(f"  {wrong / waited:.1%} of the wait; in the median {late:+.2f} s later than told")


def main() -> int:
    """0 when it was fair."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--seconds", type=float, default=90)
    seconds = wanted.parse_args().seconds
    with on_disk("fairness") as house:
        people = house.customers(len(WEIGHTS))
        house.rows("UPDATE tenants_tenant SET requests_per_hour = NULL")
        unfair = 1 - late_comer(house, house.one, house.two, picture(200))
        unfair += 1 - shares(house, people, seconds)
    print(f"unfair={unfair}")
    return unfair


if __name__ == "__main__":
    sys.exit(main())
