"""Many tenants and several web processes: facts 23 and 25 of the research on limits and schemas."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from loadtests.fleet import backend_memory_mb, foreign_answers, marked
from loadtests.house import below
from loadtests.throughput import cpu_of_process
from localstack import ports
from localstack.supervisor import ProcessSpec
from tests.e2e.conftest import V1, House

pytestmark = pytest.mark.e2e
TENANTS, REQUESTS = 30, 900
LIMIT, CALLS = 100, 200
MOST_MB_A_TENANT = 0.5  # of a session's memory; 0.47 was measured for one that reads every table


def test_fact_25_no_answer_of_many_tenants_is_anothers_and_sessions_stay_small(
    house: House,
) -> None:
    tenants = marked(house, TENANTS)
    before = backend_memory_mb(house)

    faults = foreign_answers(house, tenants, REQUESTS)

    assert faults == []
    grown = backend_memory_mb(house)[0] - before[0]
    assert grown < TENANTS * MOST_MB_A_TENANT + 16


def four_processes(house: House) -> tuple[str, int]:
    """The web application once more, in four processes on a port of its own; address and pid."""
    web = next(spec for spec in house.stack.processes() if spec.name == "web")
    (port,) = ports.free_ports(1)
    argv = list(web.argv)
    argv[argv.index("--port") + 1] = str(port)
    argv[argv.index("--workers") + 1] = "4"
    spec = ProcessSpec(
        name="web-four",
        argv=argv,
        env=web.env,
        cwd=web.cwd,
        ready=lambda: ports.answers(port),
    )
    house.stack.supervisor.start([spec])
    pid = house.stack.supervisor.pid("web-four")
    assert pid
    return f"http://127.0.0.1:{port}{V1}", pid


def cpu_of_children(leader: int) -> dict[int, float]:
    """CPU seconds of each process below a process."""
    return {pid: cpu_of_process(pid) for pid in below(leader)[1:]}


def test_fact_23_the_limit_is_exact_over_four_processes(house: House) -> None:
    (tenant,) = house.customers(1)
    own = f"schema_name = '{tenant['schema']}'"
    house.rows(f"UPDATE tenants_tenant SET requests_per_hour = {LIMIT} WHERE {own}")  # noqa: S608
    address, leader = four_processes(house)
    before = cpu_of_children(leader)

    def ask(_: int) -> httpx.Response:
        headers = {"Authorization": f"Api-Key {tenant['api_key']}"}
        return httpx.get(
            f"{address}/conversions/quota/", headers=headers, timeout=60, trust_env=False
        )

    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(ask, range(CALLS)))

    assert Counter(reply.status_code for reply in replies) == {200: LIMIT, 429: CALLS - LIMIT}
    for reply in replies:
        if reply.status_code == 429:
            wait = int(reply.headers["Retry-After"])
            assert reply.headers["RateLimit"] == f'"requests";r=0;t={wait}'
            assert reply.headers["RateLimit-Policy"] == f'"requests";q={LIMIT};w=3600'
            assert 1 <= wait <= 3600
        else:
            assert re.fullmatch(r'"requests";r=\d+;t=\d+', reply.headers["RateLimit"])
    after = cpu_of_children(leader)
    assert len(after) >= 4
    assert sum(after[pid] > before.get(pid, 0) for pid in after) >= 4  # each of them answered
