"""From states to messages, and when a stream ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from conversions.terms import ENDED
from core.following import event_id
from realtime.board import Board, State, Watch
from realtime.callers import RECHECK_S, Gate, Right

HEARTBEAT_S = 15.0  # a stream that says nothing is closed by what stands in between


class RightLost(Exception):
    """The caller may not read here any more."""


@dataclass
class Teller:
    """Which messages a stream has told, so that each state makes those that are new."""

    kind: str
    last_id: str = ""  # told before this stream began
    told: frozenset[str] | None = None  # ids of notifications
    has_ended: bool = False

    def messages(self, state: State | None) -> Iterator[State]:
        """New messages of a state."""
        if state is None:  # deleted
            self.has_ended = True
        elif self.kind == "job":
            yield from self.of_job(state)
        else:
            yield from self.of_feed(state)

    def of_job(self, state: State) -> Iterator[State]:
        """The job, unless that is what the client had when it came."""
        self.has_ended = state["status"] in ENDED
        if event_id(state) != self.last_id:
            yield state
        self.last_id = ""

    def of_feed(self, state: State) -> Iterator[State]:
        """New notifications, the oldest first, and the count."""
        newest = state["newest"]
        if self.told is not None:
            yield from (newest[key] for key in sorted(newest) if key not in self.told)
        self.told = frozenset(newest)
        yield {"type": state["type"], "count": state["count"]}


async def follow(
    board: Board, gate: Gate, right: Right, watch: Watch, teller: Teller
) -> AsyncIterator[State | None]:
    """Messages as they come; None where a heartbeat is due. Ends with the job.

    Raises RightLost within five seconds after the caller lost the right to read.
    """
    clock = asyncio.get_running_loop().time
    version, spoke, judged = 0, clock(), clock()
    while not teller.has_ended:
        if await watch.after(version, RECHECK_S):
            version = watch.version
            for message in teller.messages(watch.state):
                yield message
                spoke = clock()
        if clock() - judged >= RECHECK_S:
            judged = clock()
            if not await gate.is_open(right):
                raise RightLost
        if clock() - spoke >= HEARTBEAT_S:
            spoke = clock()
            yield None


async def ended(watch: Watch, seconds: float) -> None:
    """Return when the watched job has ended or is gone, or the time is up."""
    clock = asyncio.get_running_loop().time
    until, version = clock() + seconds, 0
    while clock() < until:
        if await watch.after(version, until - clock()):
            version = watch.version
            if watch.state is None or watch.state["status"] in ENDED:
                return
