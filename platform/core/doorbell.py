"""Tell other processes that a row has changed: Redis pub/sub, heard by one thread in a process.

A ring carries no news, only where to look. Rows are the truth, and whoever waits looks at them
about once a second anyway: a ring that is lost (Redis away) costs that second and nothing else.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial

from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError

from core.env import env
from core.tenancy import current_schema

log = logging.getLogger("filemill.doorbell")
CHANNEL = "filemill:changed"
LOOK_S = 1.0  # how often whoever waits looks at the rows by themselves
AGAIN_S = 0.5  # before the next try to reach Redis
HEALTH_S = 10.0  # a connection that died without a word is noticed after this
Ear = Callable[[], object]


@dataclass(frozen=True)
class Spot:
    """What changed: a kind of row (``job``, ``ticket``, ``feed``), its schema, its id."""

    kind: str
    schema_name: str
    ref: str

    def __str__(self) -> str:
        return f"{self.kind} {self.schema_name} {self.ref}"


@lru_cache(maxsize=1)
def ringer() -> Redis:
    """The client that rings; its pool is safe over threads and forks."""
    return Redis.from_url(env().redis.url, socket_connect_timeout=1, socket_timeout=2)


def ring(kind: str, ref: str, *, schema_name: str | None = None) -> None:
    """Ring once the running transaction has committed; of the current schema unless named."""
    transaction.on_commit(partial(ring_now, Spot(kind, schema_name or current_schema(), ref)))


def ring_now(spot: Spot) -> None:
    """Never raises: a ring may be lost."""
    try:
        ringer().publish(CHANNEL, str(spot))
    except (RedisError, OSError) as error:
        log.debug("not rung: %s", error)


class Listener:
    """The one subscription of a process, and who listens in it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.ears: dict[Spot, list[Ear]] = {}
        self.lock = threading.Lock()
        threading.Thread(target=self.listen, name="doorbell", daemon=True).start()

    def listen(self) -> None:
        """For ever; after each connection everyone looks, since rings were missed meanwhile."""
        pause = threading.Event()
        while True:
            try:
                self.hear_until_it_breaks()
            except (RedisError, OSError, ValueError) as error:
                log.debug("doorbell away: %s", error)
            pause.wait(AGAIN_S)

    def hear_until_it_breaks(self) -> None:
        """One connection's life."""
        with (
            Redis.from_url(
                env().redis.url, socket_connect_timeout=1, health_check_interval=HEALTH_S
            ) as client,
            client.pubsub(ignore_subscribe_messages=True) as hearing_of,
        ):
            hearing_of.subscribe(CHANNEL)
            self.call([ear for ears in self.everyone() for ear in ears])
            while True:
                message = hearing_of.get_message(timeout=HEALTH_S)
                if message is None:
                    hearing_of.check_health()
                    continue
                parts = message["data"].decode(errors="replace").split(" ")
                if len(parts) == 3:
                    self.call(self.of(Spot(*parts)))

    def everyone(self) -> list[list[Ear]]:
        """All ears, copied."""
        with self.lock:
            return [list(ears) for ears in self.ears.values()]

    def of(self, spot: Spot) -> list[Ear]:
        """The ears at a spot, copied."""
        with self.lock:
            return list(self.ears.get(spot, ()))

    @staticmethod
    def call(ears: list[Ear]) -> None:
        """Each must be quick; one that fails does not deafen the others."""
        for ear in ears:
            try:
                ear()
            except Exception:
                log.exception("an ear at the doorbell failed")

    def add(self, spot: Spot, ear: Ear) -> None:
        """Listen at a spot."""
        with self.lock:
            self.ears.setdefault(spot, []).append(ear)

    def remove(self, spot: Spot, ear: Ear) -> None:
        """Listen no more."""
        with self.lock:
            ears = self.ears.get(spot, [])
            if ear in ears:
                ears.remove(ear)
            if not ears:
                self.ears.pop(spot, None)


_listeners: dict[int, Listener] = {}  # by process: a fork has no thread of its parent's
_made = threading.Lock()


def listener() -> Listener:
    """This process's."""
    found = _listeners.get(os.getpid())
    if found is None:
        with _made:
            found = _listeners.get(os.getpid()) or Listener()
            _listeners[os.getpid()] = found
    return found


@contextmanager
def hearing(spot: Spot, ear: Ear) -> Iterator[None]:
    """``ear`` is called, from the listener's thread, at each ring while the block runs."""
    mine = listener()
    mine.add(spot, ear)
    try:
        yield
    finally:
        mine.remove(spot, ear)


def renew_lock_after_fork() -> None:
    """The parent may have held it at the fork."""
    global _made  # noqa: PLW0603
    _made = threading.Lock()


os.register_at_fork(after_in_child=renew_lock_after_fork)
