"""`python -m loadtests.fleet [--tenants 500] [--requests 10000]`: many tenants on one stack.

On a stack of its own under var/fleet: seconds to create a tenant, seconds of a deploy that has
nothing to migrate, answers that carry another tenant's mark, and the private memory of the
database's processes after every tenant was touched through the web's own pool. The last line is
`foreign=0` when no answer was wrong. `make N` inside the stack's environment makes the tenants.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess  # noqa: TID251 - the verbs need the stack's settings, which are not ours
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from localstack import ports
from localstack.serve import ROOT, running
from localstack.stack import Layout, Stack

PATHS = (
    "auth/api-keys/",
    "webhooks/endpoints/",
    "conversions/jobs/",
    "conversions/quota/",
    "notifications/",
    "tenant/",
    "conversions/jobs/job_unknown/",
)
MARK = re.compile(r"mark-[0-9a-f]{12}")
THREADS = 16


def make(count: int) -> None:
    """Create tenants by the product's own verbs; a JSON line each: mark, key, seconds."""
    import django  # noqa: PLC0415 - only this part runs with the product's settings

    django.setup()
    from accounts.services import put_verified_user  # noqa: PLC0415
    from billing.services import change_plan  # noqa: PLC0415
    from core.access import PERMISSIONS  # noqa: PLC0415
    from core.ids import new_id  # noqa: PLC0415
    from core.tenancy import in_tenant  # noqa: PLC0415
    from tenants.services import KeyWish, create_api_key, create_tenant  # noqa: PLC0415
    from webhooks.services import create_endpoint  # noqa: PLC0415

    name = new_id("fleet")
    owner = put_verified_user(
        username=name, email=f"{name}@example.com", password=new_id("pw"), is_staff=False
    )
    for _ in range(count):
        mark = f"mark-{random.getrandbits(48):012x}"
        started = time.perf_counter()
        tenant = create_tenant(name=mark, owner_id=owner, slug=mark)
        seconds = time.perf_counter() - started
        change_plan(tenant_id=tenant.id, plan_code="professional")
        with in_tenant(tenant.schema_name):
            wish = KeyWish(name=mark, is_test=False, scopes=sorted(PERMISSIONS))
            held = frozenset(PERMISSIONS)
            _, key = create_api_key(tenant_id=tenant.id, user_id=owner, held=held, wish=wish)
            create_endpoint(url=f"https://example.com/{mark}", events=["job.completed"])
        print(json.dumps({"mark": mark, "key": key, "seconds": seconds}), flush=True)


def made(stack: Stack, count: int) -> list[dict[str, Any]]:
    """New tenants of a running stack."""
    spec = stack.manage("check")
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.fleet", "make", str(count)],
        env=dict(spec.env or {}),
        cwd=spec.cwd,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120 + 2 * count,
    )
    return [json.loads(row) for row in done.stdout.splitlines()]


def deploy(stack: Stack) -> float:
    """Seconds of the deploy's own command with nothing to migrate."""
    started = time.perf_counter()
    stack.supervisor.run_once(stack.manage("prepare_schemas"))
    return time.perf_counter() - started


def foreign_answers(base_url: str, tenants: list[dict[str, Any]], count: int) -> list[str]:
    """Ask as everybody in turn, every tenant at least once; the answers with a wrong mark."""
    dice = random.Random(25)  # noqa: S311 - a fixed order, no secret
    plan = [(tenants[n % len(tenants)], dice.choice(PATHS)) for n in range(count)]
    dice.shuffle(plan)
    with httpx.Client(base_url=f"{base_url}/api/v1/", timeout=60, trust_env=False) as http:

        def ask(step: tuple[dict[str, Any], str]) -> str:
            tenant, path = step
            reply = http.get(path, headers={"Authorization": f"Api-Key {tenant['key']}"})
            expected = 404 if "unknown" in path else 200
            if reply.status_code != expected:
                return f"{path}: {reply.status_code} {reply.text[:200]}"
            others = set(MARK.findall(reply.text)) - {tenant["mark"]}
            return f"{path}: {others}" if others else ""

        with ThreadPoolExecutor(THREADS) as pool:
            return [fault for fault in pool.map(ask, plan) if fault]


def backend_memory_mb(stack: Stack) -> list[float]:
    """Private memory of each of the database's sessions, largest first."""
    lock = stack.layout.data / "postgres" / "postmaster.pid"
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


@contextmanager
def own_stack() -> Iterator[tuple[Stack, str]]:
    """A stack under var/fleet and its address."""
    (port,) = ports.free_ports(1)
    with running(Layout(ROOT, ROOT / "var/fleet", port)) as (stack, demo):
        yield stack, demo["base_url"]


def main() -> int:
    """0 when no answer was wrong."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--tenants", type=int, default=500)
    wanted.add_argument("--requests", type=int, default=10_000)
    asked = wanted.parse_args()
    with own_stack() as (stack, base_url):
        tenants = made(stack, asked.tenants)
        seconds = sorted(row["seconds"] for row in tenants)
        print(
            f"{len(tenants)} tenants created: median {statistics.median(seconds):.3f} s, "
            f"slowest {seconds[-1]:.3f} s"
        )
        print(f"deploy with nothing to migrate: {deploy(stack):.1f} s")
        before = backend_memory_mb(stack)
        started = time.perf_counter()
        faults = foreign_answers(base_url, tenants, asked.requests)
        taken = time.perf_counter() - started
        after = backend_memory_mb(stack)
    print(f"{asked.requests} mixed requests in {taken:.0f} s")
    print(f"memory of a database session: most {before[0]:.0f} MB before, {after[0]:.0f} MB after")
    for fault in faults[:20]:
        print(fault)
    print(f"foreign={len(faults)}")
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(int(sys.argv[2]))
    else:
        sys.exit(main())
