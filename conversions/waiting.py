"""Hold a request until its job has ended.

Behind our front the web process hands the request over to the realtime process (`hand_over`),
where a waiting client is a coroutine; without one, or under an Idempotency-Key, whose answer is to
be kept here, it holds a thread, bounded in number and time. Either way the doorbell wakes it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from django.core import signing
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse

from conversions.queries import status_of
from conversions.terms import ENDED
from core.doorbell import LOOK_S, Spot, hearing
from core.env import env
from core.errors import NotFound
from core.tenancy import current_schema, require_tenant

SEATS = threading.BoundedSemaphore(24)  # of 64 threads: who finds none gets the job as it is
SALT = "filemill.waiting"
PASS_S = 180  # seconds that a pass is good for; nobody waits longer than 60
ROOM = "/_wait/"  # of the realtime process, reached through the front only


@dataclass(frozen=True)
class Pass:
    """What a waiting request wants to know in the end."""

    schema_name: str
    job_id: str
    seconds: float
    permission: str  # that the caller must still hold then
    is_new: bool  # 202 with Location if it has not ended; else 200
    download: bool

    def sealed(self) -> str:
        """As a part of an address."""
        return signing.dumps(list(vars(self).values()), salt=SALT)


def read_pass(text: str) -> Pass:
    """Raises NotFound for what is not ours or too old."""
    try:
        return Pass(*signing.loads(text, salt=SALT, max_age=PASS_S))
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise NotFound("There is nothing at this address.") from error


def hand_over(
    request: HttpRequest, job_id: str, seconds: float, *, is_new: bool, download: bool = False
) -> HttpResponse | None:
    """The answer that makes the front wait in the realtime process; None where that can't be."""
    if seconds <= 0 or not env().site.waiting_room or "Idempotency-Key" in request.headers:
        return None
    if status_of(job_id) in (None, *ENDED):
        return None
    permission = "conversions:write" if is_new else "conversions:read"
    held = Pass(require_tenant(), job_id, seconds, permission, is_new, download)
    # A media type without a charset: the front would hang the charset onto the last answer's.
    response = HttpResponse(status=202, content_type="application/json")
    response["X-Accel-Redirect"] = f"{ROOM}{held.sealed()}"
    return response


def wait_for_end(job_id: str, seconds: float) -> None:
    """Return when the job has ended or the time is up."""
    if seconds <= 0 or not SEATS.acquire(blocking=False):
        return
    rung = threading.Event()
    try:
        with hearing(Spot("job", current_schema(), job_id), rung.set):
            look(job_id, rung, time.monotonic() + seconds)
    finally:
        SEATS.release()


def look(job_id: str, rung: threading.Event, deadline: float) -> None:
    """Look at each ring, and once a second; in between the connection is back in the pool.

    What is not there, or no more, has nothing to wait for.
    """
    while status_of(job_id) not in (None, *ENDED) and time.monotonic() < deadline:
        if not connection.in_atomic_block:
            connections["default"].close()
        rung.wait(min(LOOK_S, max(deadline - time.monotonic(), 0)))
        rung.clear()


def preferred_wait(header: str) -> int:
    """Seconds of ``Prefer: wait=N`` (RFC 7240), 0 without; at most 60."""
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdigit():
            return min(int(value), 60)
    return 0
