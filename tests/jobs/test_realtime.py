"""Streams and sockets through the ASGI application, with real rows and the real doorbell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.tenancy import in_public
from realtime.app import Realtime
from tenants.services.close_tenant import suspend_tenant
from tests.factories.jobs import complete_job, make_completed_job, make_job
from tests.factories.tenants import Tenant, make_member, make_tenant
from tests.threads import at_once

SOON_S = 10.0  # a machine under load; what is awaited comes in milliseconds
Headers = dict[str, str]


class Visit:
    """One connection to the application, as a server would drive it."""

    def __init__(self, app: Realtime, path: str, headers: Headers, **scope: Any) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.outbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        made = {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost"), *raw],
            "client": ["127.0.0.1", 1],
            "server": ["localhost", 80],
            **scope,
        }
        self.task = asyncio.ensure_future(app(made, self.inbox.get, self.outbox.put))

    async def next(self) -> dict[str, Any]:
        """What the application sends next."""
        return await asyncio.wait_for(self.outbox.get(), SOON_S)

    async def event(self) -> dict[str, Any] | None:
        """The next event's data; None at the end."""
        while True:
            message = await self.next()
            if not message.get("more_body", True):
                return None
            for line in message.get("body", b"").decode().splitlines():
                if line.startswith("data: "):
                    found: dict[str, Any] = json.loads(line[6:])
                    return found

    async def told(self) -> dict[str, Any]:
        """The next message of a socket."""
        message = await self.next()
        assert message["type"] == "websocket.send", message
        found: dict[str, Any] = json.loads(message["text"])
        return found

    async def leave(self, kind: str) -> None:
        """Go away."""
        self.inbox.put_nowait({"type": f"{kind}.disconnect"})
        await asyncio.wait_for(self.task, SOON_S)


def stream(app: Realtime, tenant: Tenant, job_id: str, **headers: str) -> Visit:
    path = f"/api/v1/conversions/jobs/{job_id}/events/"
    return Visit(app, path, {"Authorization": f"Api-Key {tenant.key}", **headers})


def socket(app: Realtime, path: str, headers: Headers, **scope: Any) -> Visit:
    visit = Visit(app, path, headers, type="websocket", scheme="ws", **scope)
    visit.inbox.put_nowait({"type": "websocket.connect"})
    return visit


def run(scene: Callable[[Realtime], Awaitable[None]]) -> None:
    """A scene with an application of its own: its board lives as long as the loop."""
    app = Realtime()

    async def played() -> None:
        await scene(app)
        if app.keeper is not None:
            app.keeper.cancel()

    asyncio.run(played())


def test_a_stream_tells_each_state_and_ends_with_the_job(acme: Tenant, tmp_path: Path) -> None:
    job_id = make_job(acme)

    async def scene(app: Realtime) -> None:
        visit = stream(app, acme, job_id)
        head = await visit.next()
        assert (head["status"], dict(head["headers"])[b"content-type"]) == (
            200,
            b"text/event-stream",
        )
        first = await visit.event()
        assert first
        assert (first["type"], first["status"]) == ("job", "pending")
        await beside(lambda: complete_job(acme, job_id, tmp_path))
        states = []
        while event := await visit.event():
            states.append(event["status"])
        assert states[-1] == "completed"
        await visit.leave("http")

    run(scene)


async def beside(call: Callable[[], object]) -> None:
    """In a thread of its own, which gives its connection back."""
    await asyncio.to_thread(at_once, 1, lambda _: call(), threads=1)


def test_who_has_seen_the_end_is_told_so(acme: Tenant, tmp_path: Path) -> None:
    path = f"conversions/jobs/{make_completed_job(acme, tmp_path)}/events/"
    text = acme.api.get(path).body.decode()
    (mark,) = [line[4:] for line in text.splitlines() if line.startswith("id: ")]

    assert acme.api.get(path, Last_Event_ID=mark).status == 204
    assert acme.api.get(path, Last_Event_ID="another").status == 200


def test_another_tenants_stream_is_not_there(acme: Tenant, globex: Tenant) -> None:
    job_id = make_job(acme)

    async def scene(app: Realtime) -> None:
        visit = stream(app, globex, job_id)
        assert (await visit.next())["status"] == 404
        assert json.loads((await visit.next())["body"])["code"] == "not_found"

    run(scene)


def test_a_stream_closes_when_its_key_is_revoked(acme: Tenant) -> None:
    tenant = make_tenant()
    job_id = make_job(tenant)
    made = tenant.owner.post("auth/api-keys/generate/", {"name": "short"}).json

    async def scene(app: Realtime) -> None:
        visit = stream(app, tenant, job_id, Authorization=f"Api-Key {made['key']}")
        assert await visit.event()
        await beside(lambda: tenant.owner.delete(f"auth/api-keys/{made['id']}/"))
        begun = asyncio.get_running_loop().time()
        while await visit.event():
            pass
        assert asyncio.get_running_loop().time() - begun < 5
        await visit.leave("http")

    run(scene)


@pytest.mark.parametrize("end", ["removed", "suspended"])
def test_a_stream_closes_when_its_person_may_no_longer_see_it(end: str) -> None:
    tenant = make_tenant()
    job_id, member = make_job(tenant), make_member(tenant)

    def shut() -> None:
        if end == "removed":
            assert tenant.owner.delete(f"tenant/members/{member.id}/").status == 204
        else:
            with in_public():
                suspend_tenant(tenant_id=tenant.id, reason="a test")

    async def scene(app: Realtime) -> None:
        held = {"Authorization": member.api.authorization, "X-Tenant": tenant.slug}
        visit = stream(app, tenant, job_id, **held)
        assert await visit.event()
        await beside(shut)
        begun = asyncio.get_running_loop().time()
        while await visit.event():
            pass
        assert asyncio.get_running_loop().time() - begun < 5
        await visit.leave("http")

    run(scene)


@pytest.mark.parametrize("way", ["bearer", "ticket", "key"])
def test_a_socket_tells_the_job_to_its_end(acme: Tenant, tmp_path: Path, way: str) -> None:
    job_id = make_job(acme)
    headers, scope = credentials(acme, way)

    async def scene(app: Realtime) -> None:
        visit = socket(app, f"/ws/jobs/{job_id}/", headers, **scope)
        accepted = await visit.next()
        assert accepted["type"] == "websocket.accept"
        assert accepted["subprotocol"] == ("bearer" if way == "bearer" else None)
        assert (await visit.told())["status"] == "pending"
        await beside(lambda: complete_job(acme, job_id, tmp_path))
        while (await visit.told())["status"] != "completed":
            pass
        assert await visit.next() == {"type": "websocket.close", "code": 1000}

    run(scene)


def credentials(tenant: Tenant, way: str) -> tuple[Headers, dict[str, Any]]:
    """Headers and scope of a way in."""
    if way == "key":
        return {"Authorization": f"Api-Key {tenant.key}"}, {}
    if way == "ticket":
        ticket = tenant.owner.post("auth/ws-ticket/").json["ticket"]
        return {}, {"query_string": f"ticket={ticket}".encode()}
    token = tenant.owner.authorization.partition(" ")[2]
    return {}, {"subprotocols": ["bearer", token]}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer x"}, {"Origin": "https://e.com"}]
)
def test_a_socket_without_credentials_is_refused(acme: Tenant, headers: Headers) -> None:
    async def scene(app: Realtime) -> None:
        visit = socket(app, "/ws/notifications/", headers)
        assert (await visit.next())["type"] == "websocket.close"

    run(scene)


def test_the_feed_streams_only_to_who_asks_for_a_stream(acme: Tenant) -> None:
    path = "notifications/events/"
    plain = acme.owner.get(path)
    asked = acme.owner.get(path, Accept="text/event-stream")

    assert (plain.status, plain.code) == (406, "not_acceptable")
    assert (asked.status, asked.headers["Content-Type"]) == (200, "text/event-stream")


def test_the_feed_counts_and_tells(acme: Tenant) -> None:
    from core.tenancy import in_tenant
    from notifications.services import notify

    tenant = make_tenant()
    headers = {"Authorization": tenant.owner.authorization, "X-Tenant": tenant.slug}

    def tell() -> None:
        with in_tenant(tenant.schema):
            payload = {"id": "job_1", "input": {"filename": "a.png"}, "output_format": "webp"}
            notify(event_id="evt_1", kind="job.completed", payload=payload, user_id=tenant.user_id)

    async def scene(app: Realtime) -> None:
        visit = socket(app, "/ws/notifications/", headers)
        assert (await visit.next())["type"] == "websocket.accept"
        assert await visit.told() == {"type": "unread_count", "count": 0}
        await beside(tell)
        assert (await visit.told())["title"] == "a.png is now webp"
        assert await visit.told() == {"type": "unread_count", "count": 1}
        await visit.leave("websocket")

    run(scene)
