"""`python -m loadtests.fleet [--tenants 500] [--requests 10000]`: many tenants on one stack.

On a stack of its own under var/fleet: seconds to create a tenant, seconds of a deploy that has
nothing to migrate, answers that carry another tenant's mark, and the private memory of the
database's processes after every tenant was touched through the web's own pool. The last line is
`foreign=0` when no answer was wrong.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from loadtests.house import V1, House, on_disk

PATHS = (
    "auth/api-keys/",
    "webhooks/endpoints/",
    "conversions/jobs/",
    "conversions/quota/",
    "notifications/",
    "tenant/",
    "conversions/jobs/job_unknown/",
)
MARK = re.compile(r"load-[0-9a-f]{6}-\d+")  # a slug of loadtests.customers
THREADS = 16


def marked(house: House, count: int) -> list[dict[str, Any]]:
    """New tenants, whose key and endpoint carry their slug: what no other one may see."""
    made = house.customers(count)
    for tenant in made:
        body = {"url": f"https://example.com/{tenant['slug']}", "events": ["job.completed"]}
        with closing(house.by_key(tenant["api_key"]).http) as http:
            http.post(f"{V1}/webhooks/endpoints/", json=body).raise_for_status()
    return made


def deploy(house: House) -> float:
    """Seconds of the deploy's own command with nothing to migrate."""
    begun = time.perf_counter()
    house.program("manage", "prepare_schemas", name="prepare_schemas")
    return time.perf_counter() - begun


def foreign_answers(house: House, tenants: list[dict[str, Any]], count: int) -> list[str]:
    """Ask as everybody in turn, every tenant at least once; the answers with a wrong mark."""
    dice = random.Random(25)  # noqa: S311 - a fixed order, no secret
    plan = [(tenants[n % len(tenants)], dice.choice(PATHS)) for n in range(count)]
    dice.shuffle(plan)
    base_url = f"{house.demo['base_url']}{V1}/"
    with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as http:

        def ask(step: tuple[dict[str, Any], str]) -> str:
            tenant, path = step
            reply = http.get(path, headers={"Authorization": f"Api-Key {tenant['api_key']}"})
            expected = 404 if "unknown" in path else 200
            if reply.status_code != expected:
                return f"{path}: {reply.status_code} {reply.text[:200]}"
            others = set(MARK.findall(reply.text)) - {tenant["slug"]}
            return f"{path}: {others}" if others else ""

        with ThreadPoolExecutor(THREADS) as pool:
            return [fault for fault in pool.map(ask, plan) if fault]


def backend_memory_mb(house: House) -> list[float]:
    """Private memory of each of the database's sessions, largest first."""
    lock = house.data / "postgres" / "postmaster.pid"
    server = lock.read_text().split()[0]
    found = []
    for folder in Path("/proc").iterdir():
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if parent != server or b" [local] " not in (folder / "cmdline").read_bytes():
                continue
            rows = (folder / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        found.append(sum(int(row.split()[1]) for row in rows if row.startswith("Private_")) / 1024)
    return sorted(found, reverse=True)


def main() -> int:
    """0 when no answer was wrong."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--tenants", type=int, default=500)
    wanted.add_argument("--requests", type=int, default=10_000)
    asked = wanted.parse_args()
    with on_disk("fleet") as house:
        tenants = marked(house, asked.tenants)
        seconds = sorted(row["seconds"] for row in tenants)
        print(
            f"{len(tenants)} tenants created: median {statistics.median(seconds):.3f} s, "
            f"slowest {seconds[-1]:.3f} s"
        )
        print(f"deploy with nothing to migrate: {deploy(house):.1f} s")
        before = backend_memory_mb(house)
        started = time.perf_counter()
        faults = foreign_answers(house, tenants, asked.requests)
        taken = time.perf_counter() - started
        after = backend_memory_mb(house)
    print(f"{asked.requests} mixed requests in {taken:.0f} s")
    print(f"memory of a database session: most {before[0]:.0f} MB before, {after[0]:.0f} MB after")
    for fault in faults[:20]:
        print(fault)
    print(f"foreign={len(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
