"""The ASGI application: three kinds of waiting, and nothing else.

``…/events/`` streams, ``/ws/…`` sockets, and ``/_wait/…``, where our front lets a request wait that
the web process has answered with an X-Accel-Redirect (docs/adr/0026).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson
from django.http import HttpResponseBase

from conversions.waiting import ROOM, Pass, read_pass
from core.doorbell import Spot
from core.errors import AppError, NotFound
from core.following import EVENT_STREAM, Followed, event_text
from core.problems import CONTENT_TYPE, problem
from realtime.board import Board
from realtime.callers import BEARER, Gate, Opened, Right, ask, socket_headers
from realtime.streams import RightLost, Teller, ended, follow
from realtime.threads import in_thread

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
EVENTS = re.compile(r"^/api/v1/(conversions/jobs/[^/]+|notifications)/events/$")
JOB_SOCKET = re.compile(r"^/ws/jobs/(?P<job_id>[^/]+)/$")
FEED_SOCKET = "/ws/notifications/"
# Codes of our own, as 4000 + the status that HTTP would have: RFC 6455 leaves 4000–4999 to us.
DONE, GONE_AWAY, REFUSED = 1000, 1001, 4403


class Realtime:
    """One in a process; the board is made with the first event loop."""

    def __init__(self) -> None:
        self.board: Board | None = None
        self.gate = Gate()
        self.keeper: asyncio.Task[None] | None = None

    def watching(self) -> Board:
        """The board, running."""
        if self.board is None or self.keeper is None or self.keeper.done():
            self.board = self.board or Board()
            self.keeper = asyncio.create_task(self.board.run())
        return self.board

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever the server brings."""
        if scope["type"] == "http":
            await self.http(scope, receive, send)
        elif scope["type"] == "websocket":
            await Socket(self, scope, receive, send).serve()
        elif scope["type"] == "lifespan":
            await lifespan(receive, send)

    async def http(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A stream, a wait, or the sign of life."""
        path = scope["path"]
        if path == "/health/":
            await answer(send, 200, b'{"status": "ok"}', [(b"content-type", b"application/json")])
        elif EVENTS.match(path):
            await self.events(scope, receive, send)
        elif path.startswith(ROOM):
            await self.wait(path.removeprefix(ROOM), receive, send)
        else:
            body = orjson.dumps(problem(NotFound("Only streams and sockets are served here.")))
            await answer(send, 404, body, [(b"content-type", CONTENT_TYPE.encode())])

    async def wait(self, ticket: str, receive: Receive, send: Send) -> None:
        """Hold the request until its job has ended, then send the front back to the web process."""
        try:
            held: Pass = read_pass(ticket)
        except AppError:
            await answer(send, 404, b"", [])
            return
        spot = Spot("job", held.schema_name, held.job_id)
        async with self.watching().watch(spot) as watch:
            await first_of(ended(watch, held.seconds), disconnected(receive))
        await answer(send, 200, b"", [(b"x-accel-redirect", f"/_waited/{ticket}".encode())])

    async def events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Server-sent events, or the API's own refusal."""
        opened = await in_thread(ask, scope, scope["path"], {})
        response = opened.response
        if not isinstance(response, Followed):
            await answer(send, response.status_code, content_of(response), headers_of(response))
            return
        head = {"type": "http.response.start", "status": 200, "headers": headers_of(response)}
        await send(head)
        await send_part(send, b": open\n\n")
        last = opened.request.headers.get("Last-Event-ID", "")
        await first_of(self.stream(opened, response, last, send), disconnected(receive))
        with suppress(Exception):  # the client may be gone
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def stream(self, opened: Opened, response: Followed, last: str, send: Send) -> None:
        """Write messages until the end."""
        right, teller = right_of(opened), Teller(response.spot.kind, last)
        board = self.watching()
        async with board.watch(response.spot) as watch:
            with suppress(RightLost):
                async for message in follow(board, self.gate, right, watch, teller):
                    text = ": still here\n\n" if message is None else event_text(message)
                    await send_part(send, text.encode())


class Socket:
    """One WebSocket: it listens to nothing but the client's going away."""

    def __init__(self, app: Realtime, scope: Scope, receive: Receive, send: Send) -> None:
        self.app, self.scope, self.receive, self.send = app, scope, receive, send

    async def serve(self) -> None:
        """Judge, accept, tell, close. Who is refused gets 403 instead of a handshake."""
        await self.receive()  # websocket.connect
        opened = await self.open()
        if opened is None or not isinstance(opened.response, Followed):
            await self.close(REFUSED)
            return
        offered = self.scope.get("subprotocols") or []
        chosen = offered[0] if offered and offered[0].lower() == BEARER else None
        await self.send({"type": "websocket.accept", "subprotocol": chosen})
        code = await first_of(self.tell(opened, opened.response), self.left())
        if code is not None:
            await self.close(code)

    async def open(self) -> Opened | None:
        """What the API answers to the same question as a GET."""
        path = self.scope["path"]
        match = JOB_SOCKET.match(path)
        if match:
            asked = f"/api/v1/conversions/jobs/{match['job_id']}/events/"
        elif path == FEED_SOCKET:
            asked = "/api/v1/notifications/events/"
        else:
            return None
        try:
            headers = await in_thread(socket_headers, self.scope)
        except AppError:
            return None
        return await in_thread(ask, self.scope, asked, headers | {"Accept": EVENT_STREAM})

    async def tell(self, opened: Opened, response: Followed) -> int | None:
        """Send messages; the code to close with."""
        board, teller = self.app.watching(), Teller(response.spot.kind)
        async with board.watch(response.spot) as watch:
            try:
                async for message in follow(board, self.app.gate, right_of(opened), watch, teller):
                    if message is not None:
                        text = orjson.dumps(message, default=str).decode()
                        await self.send({"type": "websocket.send", "text": text})
            except RightLost:
                return REFUSED
        return DONE

    async def left(self) -> None:
        """Return when the client has gone; what it says is not heard."""
        while (await self.receive())["type"] != "websocket.disconnect":
            pass

    async def close(self, code: int) -> None:
        """Close, also before the handshake."""
        with suppress(Exception):  # the client may be gone
            await self.send({"type": "websocket.close", "code": code})


def right_of(opened: Opened) -> Right:
    """What a stream that was opened rests on."""
    response = opened.response
    assert isinstance(response, Followed)  # noqa: S101 - judged by the caller
    return Right(opened.request, response.permission, response.spot.schema_name)


async def first_of(work: Awaitable[Any], left: Awaitable[None]) -> Any:
    """The work's result; None when the client leaves before."""
    doing, leaving = asyncio.ensure_future(work), asyncio.ensure_future(left)
    try:
        await asyncio.wait({doing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return doing.result() if doing.done() else None
    finally:
        for task in (doing, leaving):
            task.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def send_part(send: Send, body: bytes) -> None:
    """A piece of a body that goes on."""
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def answer(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """A whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def headers_of(response: HttpResponseBase) -> list[tuple[bytes, bytes]]:
    """As ASGI wants them."""
    return [(name.lower().encode(), value.encode()) for name, value in response.items()]


def content_of(response: HttpResponseBase) -> bytes:
    """The body of a refusal, which is never streamed."""
    return bytes(getattr(response, "content", b""))


async def lifespan(receive: Receive, send: Send) -> None:
    """Nothing to start: the board begins with its first watch."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
