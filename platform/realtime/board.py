"""What this process watches: rows read once for all who wait for them, at rings and each second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError

from conversions.queries import job_states
from core.doorbell import LOOK_S, Spot, hearing
from core.tenancy import in_tenant
from notifications.queries import feed_states
from realtime.threads import in_thread

log = logging.getLogger("filemill.realtime")
State = dict[str, Any]
READERS: dict[str, Callable[[list[str]], dict[str, State]]] = {
    "job": job_states,
    "feed": feed_states,
}


@dataclass(eq=False)
class Watch:
    """A spot's newest state. ``version`` 0: not read yet; ``state`` None: there is no such row."""

    spot: Spot
    state: State | None = None
    version: int = 0
    watchers: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, state: State | None) -> None:
        """Take a state that was read; who waits wakes up if it is another one."""
        if self.version and state == self.state:
            return
        self.state, self.version = state, self.version + 1
        news, self.news = self.news, asyncio.Event()
        news.set()

    async def after(self, version: int, seconds: float) -> bool:
        """Whether there is a newer state than ``version``, waiting for it so long."""
        if self.version == version:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), seconds)
        return self.version != version


class Board:
    """Every watch of the process; ``run`` keeps them fresh."""

    def __init__(self) -> None:
        self.watches: dict[Spot, Watch] = {}
        self.ears: dict[Spot, ExitStack] = {}
        self.dirty: set[Spot] = set()
        self.wake = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def watch(self, spot: Spot) -> AsyncIterator[Watch]:
        """The spot's watch, shared with whoever else looks there."""
        found = self.watches.get(spot)
        if found is None:
            found = self.watches[spot] = Watch(spot)
            self.ears[spot] = ExitStack()
            self.ears[spot].enter_context(hearing(spot, lambda: self.heard(spot)))
        found.watchers += 1
        self.touch(spot)
        try:
            yield found
        finally:
            found.watchers -= 1
            if not found.watchers:
                self.watches.pop(spot).news.set()
                self.ears.pop(spot).close()

    def heard(self, spot: Spot) -> None:
        """From the doorbell's thread."""
        with suppress(RuntimeError):  # the loop has ended
            self.loop.call_soon_threadsafe(self.touch, spot)

    def touch(self, spot: Spot) -> None:
        """Look there next."""
        self.dirty.add(spot)
        self.wake.set()

    async def run(self) -> None:
        """For ever: what was rung for at once, everything once a second."""
        swept = self.loop.time()
        while True:
            left = max(swept + LOOK_S - self.loop.time(), 0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), left)
            self.wake.clear()
            spots, self.dirty = self.dirty, set()
            if self.loop.time() - swept >= LOOK_S:
                swept, spots = self.loop.time(), set(self.watches)
            await self.read(spots)

    async def read(self, spots: set[Spot]) -> None:
        """One query for each schema and kind. A database that is away is asked again."""
        groups: dict[tuple[str, str], list[Spot]] = {}
        for spot in spots & self.watches.keys():
            groups.setdefault((spot.schema_name, spot.kind), []).append(spot)
        for (schema, kind), members in groups.items():
            try:
                found = await in_thread(read_states, schema, kind, [spot.ref for spot in members])
            except DatabaseError as error:
                log.warning("not read: %s", error)
                continue
            except Exception:
                log.exception("states of %s not read", schema)
                continue
            for spot in members:
                if watch := self.watches.get(spot):
                    watch.put(found.get(spot.ref))


def read_states(schema: str, kind: str, refs: list[str]) -> dict[str, State]:
    """In a thread: the rows of one tenant."""
    with in_tenant(schema):
        return READERS[kind](refs)
