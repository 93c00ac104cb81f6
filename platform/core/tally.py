"""Counters off the hot path: kept in the process, sent to Redis each second, taken by beat.

What can be lost: a second of a process that is killed, and what Redis held since the last take
(beat's period) when Redis loses its memory. Nothing is counted twice: a taken batch has an id that
its reader remembers with the rows it writes.
"""

from __future__ import annotations

import atexit
import logging
import secrets
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from core.env import env

log = logging.getLogger("filemill.tally")
SEND_EVERY_S = 1.0
BATCH = "batch"  # the field that names a taken batch


@lru_cache(maxsize=1)
def client() -> Redis:
    """A client of our own: threads share its pool."""
    return Redis.from_url(
        env().redis.url, decode_responses=True, socket_connect_timeout=1, socket_timeout=2
    )


@dataclass(frozen=True)
class Batch:
    """What was taken: sums, and latest values."""

    id: str
    counts: dict[str, int]
    marks: dict[str, str]


class Tally:
    """Named counters of this product. Field names must not hold ``n:`` or ``m:`` in front."""

    def __init__(self, name: str) -> None:
        self.key, self.taken = f"platform:tally:{name}", f"platform:tally:{name}:taken"
        self.lock, self.waiting = threading.Lock(), threading.Event()
        self.counts: Counter[str] = Counter()
        self.marks: dict[str, str] = {}
        self.sender: threading.Thread | None = None
        atexit.register(self.send)

    def add(self, counts: Mapping[str, int], marks: Mapping[str, str]) -> None:
        """Count, and remember the latest values. Touches no network."""
        with self.lock:
            for name, number in counts.items():  # a third of the time of Counter.update
                self.counts[name] += number
            self.marks.update(marks)
            if self.sender is None or not self.sender.is_alive():  # not there, or left by a fork
                self.sender = threading.Thread(target=self.keep_sending, daemon=True)
                self.sender.start()
        self.waiting.set()

    def keep_sending(self) -> None:
        """Once a second, as long as there is something."""
        pause = threading.Event()
        while True:
            self.waiting.wait()
            pause.wait(SEND_EVERY_S)
            self.send()

    def send(self) -> None:
        """Hand everything to Redis; without Redis it stays here."""
        with self.lock:
            counts, marks = self.counts, self.marks
            self.counts, self.marks = Counter(), {}
            self.waiting.clear()
        if not counts and not marks:
            return
        try:
            with client().pipeline() as pipe:
                for field, number in counts.items():
                    pipe.hincrby(self.key, f"n:{field}", number)
                if marks:
                    pipe.hset(self.key, mapping={f"m:{k}": v for k, v in marks.items()})
                pipe.execute()
        except (RedisError, OSError) as error:
            log.warning("a tally waits for Redis: %s", error)
            with self.lock:
                self.counts.update(counts)
                self.marks = marks | self.marks
                self.waiting.set()

    def take(self) -> Batch | None:
        """What has come since the last batch; the same one again until it is ``done``.

        One taker at a time (the caller's lock). Raises RedisError.
        """
        if not client().exists(self.taken):
            try:
                client().rename(self.key, self.taken)
            except ResponseError:  # there is nothing
                return None
            client().hset(self.taken, BATCH, secrets.token_hex(16))
        return self.read(self.taken)

    def done(self, batch: Batch) -> None:
        """Forget a batch that is in the rows."""
        with suppress(RedisError):
            if client().hget(self.taken, BATCH) == batch.id:
                client().delete(self.taken)

    def peek(self) -> list[Batch]:
        """What is in Redis and not done: the batch that is being written, and what waits."""
        self.send()
        try:
            return [self.read(self.taken), self.read(self.key)]
        except RedisError:
            return []

    def read(self, key: str) -> Batch:
        """A hash as a batch."""
        found = cast("dict[str, str]", client().hgetall(key))
        return Batch(
            found.get(BATCH, ""),
            {name[2:]: int(value) for name, value in found.items() if name.startswith("n:")},
            {name[2:]: value for name, value in found.items() if name.startswith("m:")},
        )
