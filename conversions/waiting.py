"""Hold a request until its job has ended: bounded in time and number, without a connection held."""

from __future__ import annotations

import threading
import time

from django.db import connection, connections

from conversions.queries import status_of
from conversions.terms import ENDED

FIRST_PAUSE_S, LAST_PAUSE_S, GROWTH = 0.01, 0.25, 1.3
SEATS = threading.BoundedSemaphore(24)  # of 64 threads: who finds none gets the job as it is


def wait_for_end(job_id: str, seconds: float) -> None:
    """Return when the job has ended or the time is up."""
    if seconds <= 0 or not SEATS.acquire(blocking=False):
        return
    try:
        poll(job_id, time.monotonic() + seconds)
    finally:
        SEATS.release()


def poll(job_id: str, deadline: float) -> None:
    """Ask with growing pauses; between two looks the connection is back in the pool.

    What is not there, or no more, has nothing to wait for.
    """
    pause = FIRST_PAUSE_S
    while status_of(job_id) not in (None, *ENDED) and time.monotonic() < deadline:
        if not connection.in_atomic_block:
            connections["default"].close()
        time.sleep(min(pause, max(deadline - time.monotonic(), 0)))
        pause = min(pause * GROWTH, LAST_PAUSE_S)


def preferred_wait(header: str) -> int:
    """Seconds of ``Prefer: wait=N`` (RFC 7240), 0 without; at most 60."""
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name.strip().lower() == "wait" and value.strip().isdigit():
            return min(int(value), 60)
    return 0
