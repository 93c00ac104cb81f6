"""Two tenants, twenty threads each, every kind of read: no answer carries the other's mark."""

from __future__ import annotations

import random
from pathlib import Path

from django.core.cache import cache

from core.tenancy import in_tenant
from tests.client import Reply
from tests.factories.jobs import make_completed_job
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.webhooks import make_endpoint
from tests.threads import at_once

ANSWERS, THREADS = 2000, 40


def marked(folder: Path, mark: str) -> tuple[Tenant, dict[str, str]]:
    """A tenant whose things all carry its mark, and where to find them."""
    tenant = make_tenant()
    job = make_completed_job(
        tenant, folder, filename=f"{mark}.png", content=f"result of {mark}".encode() * 100
    )
    endpoint = make_endpoint(tenant, f"https://example.com/{mark}")
    with in_tenant(tenant.schema):
        cache.set("mark", mark)
    return tenant, {
        "job": f"conversions/jobs/{job}/",
        "jobs": "conversions/jobs/",
        "search": f"conversions/jobs/?q={mark}",
        "download": f"conversions/jobs/{job}/download/",
        "endpoint": f"webhooks/endpoints/{endpoint['id']}/",
        "endpoints": "webhooks/endpoints/",
        "keys": "auth/api-keys/",
        "activity": "tenant/activity/export/?format=json",
        "trail": "tenant/audit-log/verify/",
        "foreign": "conversions/jobs/",
        "nothing": f"conversions/jobs/job_{mark}/",
        "tenant": "auth/me/",
    }


def test_no_answer_carries_the_other_tenants_mark(tmp_path: Path) -> None:
    marks = ("amber", "cobalt")
    tenants = [marked(tmp_path, mark) for mark in marks]
    owners = [tenant.owner for tenant, _ in tenants]
    names = list(tenants[0][1])
    choice = random.Random(7)  # noqa: S311 - a fixed order, no secret
    plan = [(n % 2, choice.choice(names)) for n in range(ANSWERS)]

    def ask(number: int) -> tuple[int, str, Reply, str]:
        who, name = plan[number]
        tenant, paths = tenants[who]
        path = tenants[1 - who][1]["job"] if name == "foreign" else paths[name]
        needs_owner = name in ("keys", "activity", "trail", "tenant") or number % 3 == 0
        reply = (owners[who] if needs_owner else tenant.api).get(path)
        with in_tenant(tenant.schema):
            cached = str(cache.get("mark"))
        return who, name, reply, cached

    answers = at_once(ANSWERS, ask, threads=THREADS)

    foreign = [
        (name, reply.status)
        for who, name, reply, cached in answers
        if cached != marks[who]
        or marks[1 - who].encode() in reply.body
        or tenants[1 - who][0].slug.encode() in reply.body
    ]
    assert foreign == []
    assert {(name, reply.status) for _, name, reply, _ in answers} == {
        (name, 404 if name in ("foreign", "nothing") else 200) for name in names
    }
    own = [reply for who, name, reply, _ in answers if name == "download"]
    assert {reply.body for reply in own} == {f"result of {mark}".encode() * 100 for mark in marks}
