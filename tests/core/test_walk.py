"""Every route of swagger.json, called by another tenant with this tenant's ids.

Ids come from the lists that stand above the routes, so a new route is walked by itself; one whose
list is empty or missing fails here until `make_things` makes one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from audit.services import SPOOL
from core.outbox.services import relay
from core.tenancy import in_tenant
from tests.client import PNG, Api, Reply
from tests.factories.jobs import make_completed_job, make_job
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.webhooks import make_endpoint

METHODS = ("get", "post", "put", "patch", "delete")
# Parameters that are words of the platform, the same for everyone.
WORDS = {"source", "target", "slug", "provider", "size", "code"}
STEPS = {
    "in": {"operation": "import/upload"},
    "out": {"operation": "convert", "input": "in", "output_format": "webp"},
}
# What is made before the walk, where the route is there: path, body.
MADE: dict[str, dict[str, Any]] = {
    "conversions/presets/": {"name": "small", "steps": STEPS},
    "tenant/roles/": {"name": "Reader", "permissions": ["conversions:read"]},
    "tenant/invitations/": {"email": "guest@example.com", "role": "member"},
    "media/categories/": {"name": "Plans"},
    "media/tags/": {"name": "blue"},
}
UPLOADED = {
    "conversions/batch-convert/": ("files", {"output_format": "webp"}),
    "media/assets/": ("file", {"name": "asset"}),
}
# Ids that no list shows.
ELSEWHERE = {"avatar": "0123456789abcdef", "token": "a.b.c"}
REFUSED = {"not_found", "permission_denied", "scope_missing", "mfa_required"}
# A word or a signature decides, not a tenant: they may also find the parameter wrong.
OPEN_PARAMETERS = {"avatar", "token"}


def routes() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path below /api/v1/, operation."""
    paths: dict[str, dict[str, Any]] = Api().get("/swagger.json").json["paths"]
    for path, operations in paths.items():
        for method in METHODS:
            if method in operations:
                yield method.upper(), path.removeprefix("/api/v1/"), operations[method]


def make_things(tenant: Tenant, folder: Path) -> None:
    """One of everything that a tenant can have."""
    known = {path for method, path, _ in routes() if method == "POST"}
    make_endpoint(tenant, "https://example.com/hook")
    make_completed_job(tenant, folder)
    make_job(tenant)
    for path, body in MADE.items():
        if path in known:
            reply = tenant.owner.post(path, body)
            assert reply.status == 201, (path, reply.body)
    for path, (field, fields) in UPLOADED.items():
        if path in known:
            reply = tenant.owner.upload(path, {field: ("mark.png", PNG)}, fields)
            assert reply.status in (201, 202), (path, reply.body)
    if "conversions/pipelines/" in known:
        files, fields = {"in": ("mark.png", PNG)}, {"steps": json.dumps(STEPS)}
        reply = tenant.owner.upload("conversions/pipelines/", files, fields)
        assert reply.status in (201, 202), reply.body
    relay()


def ids_of(tenant: Tenant) -> dict[str, list[str]]:
    """Path of each list → ids in it, as the owner sees them."""
    found = {}
    for method, path, _ in routes():
        if method == "GET" and "{" not in path and not path.startswith(("staff/", "ads/")):
            reply = tenant.owner.get(path)
            items = reply.json.get("items") if is_object(reply) else None
            keys = ("id", "user_id")
            found[path] = [i[k] for i in items or [] if isinstance(i, dict) for k in keys if k in i]
    return {path: ids for path, ids in found.items() if ids}


def is_object(reply: Reply) -> bool:
    return (
        reply.status == 200
        and reply.headers.get("Content-Type", "").startswith("application/json")
        and isinstance(reply.json, dict)
    )


def fill(path: str, tenant: Tenant, ids: dict[str, list[str]]) -> list[str]:
    """Addresses of a route with this tenant's ids; none for a route of words only."""
    names = set(re.findall(r"{(\w+)}", path)) - WORDS
    if not names:
        return []
    if path.startswith("staff/"):
        values = [tenant.id, tenant.user_id]
    elif names & set(ELSEWHERE):
        values = [ELSEWHERE[name] for name in names & set(ELSEWHERE)]
    else:
        values = ids.get(path.partition("{")[0], [])
    assert values, f"teach this walk to make an id for {names} of {path}"
    words = {"size": "64", "provider": "none", "slug": "pdf-to-docx", "source": "png"}
    return [
        re.sub(r"{(\w+)}", "{}", path).format(
            *(words.get(name, value) for name in re.findall(r"{(\w+)}", path))
        )
        for value in values
    ]


def snapshot(tenant: Tenant) -> dict[str, list[str]]:
    """Every row of the tenant's schema, and its rows in public."""
    with in_tenant(tenant.schema), connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            [tenant.schema],
        )
        tables = {f'"{tenant.schema}"."{name}"': "" for (name,) in cursor.fetchall()}
        tables |= {f"tenants_{n}": f" WHERE t.tenant_id = '{tenant.id}'" for n in ("apikey",)}
        tables |= {"tenants_membership": f" WHERE t.tenant_id = '{tenant.id}'"}
        tables |= {"tenants_tenant": f" WHERE t.id = '{tenant.id}'"}
        rows = {}
        for table, condition in tables.items():
            cursor.execute(f"SELECT t::text FROM {table} t{condition} ORDER BY 1")  # noqa: S608
            rows[table] = [text for (text,) in cursor.fetchall()]
    return rows


def callers(stranger: Tenant) -> dict[str, Api]:
    return {
        "key": stranger.api,
        "test key": stranger.test_api,
        "token": stranger.owner,
        "session": session_of(stranger),
    }


def session_of(tenant: Tenant) -> Api:
    """The dashboard's way in: cookies and the CSRF token."""
    from django.test import Client

    browser = Client()
    answer = browser.post(
        "/api/v1/auth/session/",
        {"username": tenant.username, "password": tenant.password},
        content_type="application/json",
        SERVER_NAME="localhost",
    )
    assert answer.status_code in (200, 201), answer.content
    cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    token = browser.cookies["csrftoken"].value
    return Api(tenant=tenant.slug, more={"Cookie": cookies, "X-CSRFToken": token})


def test_no_route_shows_or_changes_what_is_another_tenants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner, stranger = make_tenant(), make_tenant()
    make_things(owner, tmp_path)
    ids = ids_of(owner)
    secret = {value for values in ids.values() for value in values} | {owner.slug, owner.schema}
    before, people = snapshot(owner), callers(stranger)
    walked, calls = 0, 0

    # Without ids first: later the stranger's own activity tells what the stranger tried.
    for method, path, operation in sorted(routes(), key=lambda route: "{" in route[1]):
        walked += 1
        addresses = fill(path, owner, ids)
        for name, caller in people.items():
            for url in addresses or [re.sub(r"{\w+}", "png", path)]:
                if (method, path) in OWN_END:
                    continue
                body = None if method in ("GET", "DELETE") else foreign_body(operation, ids)
                reply = caller.call(method, url, body)
                calls += 1
                judge(reply, (name, method, url), addresses, secret, path)

    SPOOL.drain()
    after = snapshot(owner)
    assert before == after
    with capsys.disabled():
        print(f"\n  {walked} routes walked, {calls} foreign calls", end=" ")  # noqa: T201
    assert walked == len(list(routes()))
    assert walked >= 80


# They would end the stranger's own session; with the owner's ids they have nothing to do.
OWN_END = {("DELETE", "auth/session/")}


def foreign_body(operation: dict[str, Any], ids: dict[str, list[str]]) -> dict[str, Any]:
    """Fields that are named like ids, with the owner's; the rest is left out."""
    text = json.dumps(operation.get("requestBody", {}))
    names = {"asset_id": "media/assets/", "batch_id": "conversions/batches/"}
    names |= {"preset_id": "conversions/presets/", "job_id": "conversions/jobs/"}
    body: dict[str, Any] = {"role": "member", "name": "taken"}
    body |= {n: ids[p][0] for n, p in names.items() if n in text and p in ids}
    if "ids" in text and "media/assets/" in ids:
        body["ids"] = ids["media/assets/"]
    return body


def judge(
    reply: Reply, where: tuple[str, ...], addresses: list[str], secret: set[str], path: str
) -> None:
    """Refused like a thing that is not there; and nothing of the owner's in any answer."""
    assert reply.status < 500, (where, reply.body)
    is_bound = addresses and not set(re.findall(r"{(\w+)}", path)) & OPEN_PARAMETERS
    if is_bound and not is_unread(reply):
        assert reply.status in (403, 404), (where, reply.status, reply.body)
        assert reply.code in REFUSED, (where, reply.code)
    text = reply.body.decode("utf-8", "replace")
    if not addresses:
        assert not [value for value in secret if value in text], (where, text[:300])


def is_unread(reply: Reply) -> bool:
    """Whether the body lacked a field, so that nothing was looked for; the snapshot proves it."""
    return reply.code == "validation_error" and {e["code"] for e in reply.json["errors"]} == {
        "missing"
    }


def test_a_member_of_another_tenant_may_not_name_this_one(tmp_path: Path) -> None:
    owner, stranger = make_tenant(), make_tenant()
    intruder = Api(stranger.owner.authorization, owner.slug)
    calls = 0

    for method, path, operation in routes():
        if not operation.get("security") or path.startswith("staff/"):
            continue
        url = re.sub(r"{\w+}", "x", path)
        reply = intruder.call(method, url, None if method in ("GET", "DELETE") else {})
        calls += 1
        assert (reply.status, reply.code) == (403, "permission_denied"), (method, path, reply)

    assert calls >= 70


def test_an_id_of_another_tenant_answers_like_one_that_never_was(tmp_path: Path) -> None:
    owner, stranger = make_tenant(), make_tenant()
    job = make_completed_job(owner, tmp_path)
    never = job[:-4] + "zzzz"

    for method, tail in (("GET", ""), ("GET", "download/"), ("DELETE", ""), ("POST", "cancel/")):
        real = stranger.api.call(method, f"conversions/jobs/{job}/{tail}")
        random = stranger.api.call(method, f"conversions/jobs/{never}/{tail}")
        a, b = real.json, random.json
        a.pop("request_id"), b.pop("request_id")
        assert (real.status, a) == (random.status, b)
