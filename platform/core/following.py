"""Answers that go on: the first state of something, and where to listen for the next ones."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from django.http import HttpResponse

from core.doorbell import Spot

EVENT_STREAM = "text/event-stream"
STREAMED: dict[str, Any] = {  # each event, as OpenAPI describes it
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data", "retry")},
}
RECONNECT_MS = 2000  # that a browser waits before it asks again


class Followed(HttpResponse):
    """The realtime process streams on from here.

    Served by a plain web process (no front), it is an event stream of one message, after which the
    client asks again: poorer, never wrong.
    """

    def __init__(self, spot: Spot, permission: str, message: dict[str, Any]) -> None:
        text = f"retry: {RECONNECT_MS}\n\n{event_text(message)}"
        super().__init__(text.encode(), content_type=EVENT_STREAM)
        self["Cache-Control"] = "no-store"
        self["X-Accel-Buffering"] = "no"
        self.spot, self.permission = spot, permission


def event_id(message: dict[str, Any]) -> str:
    """A mark of a state: who sends it back as ``Last-Event-ID`` is not told that state again."""
    body = orjson.dumps(message, option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2b(body, digest_size=9).hexdigest()


def event_text(message: dict[str, Any]) -> str:
    """One server-sent event, named by the message's ``type``."""
    data = orjson.dumps(message, default=str).decode()
    return f"id: {event_id(message)}\nevent: {message['type']}\ndata: {data}\n\n"
