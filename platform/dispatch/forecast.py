"""When a line of work will have moved so far: the fluid limit of fair queueing. Pure arithmetic.

Each lane is served at a rate in proportion to its weight, at most its slots; what the short lines
leave goes to the others. The curve of a lane is piecewise linear: (seconds from now, work done).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

STEPS = 64  # lines that run empty one after the other; what comes later is taken as it is then
Curve = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """What waits in one lane of a queue."""

    weight: float
    slots: float
    seconds: float  # of service, in all


def rates(lines: Mapping[str, Line], parallel: float) -> dict[str, float]:
    """Seconds of service a second for each line: by weight, within slots, none left over."""
    found: dict[str, float] = {}
    left, free = dict(lines), parallel
    while left:
        each = free / sum(line.weight for line in left.values())
        capped = [name for name, line in left.items() if line.slots < each * line.weight]
        if not capped:
            return found | {name: each * line.weight for name, line in left.items()}
        for name in capped:
            found[name] = left.pop(name).slots
            free -= found[name]
    return found


def curves(lines: Mapping[str, Line], parallel: float) -> dict[str, Curve]:
    """The curve of each line until it is empty."""
    left = {name: line.seconds for name, line in lines.items()}
    found: dict[str, Curve] = {name: [(0.0, 0.0)] for name in lines}
    now = 0.0
    for step in range(STEPS + 1):
        if not left:
            break
        rate = rates({name: lines[name] for name in left}, parallel)
        until = {name: seconds / rate[name] for name, seconds in left.items()}
        if step == STEPS:
            for name, seconds in until.items():
                found[name].append((now + seconds, lines[name].seconds))
            break
        passed = min(until.values())
        now += passed
        for name in list(left):
            left[name] -= rate[name] * passed
            if until[name] <= passed:
                left.pop(name)
            found[name].append((now, lines[name].seconds - left.get(name, 0.0)))
    return found


def when(curve: Curve, done: float) -> float:
    """Seconds from now until so much of a line is done; at most the whole of it."""
    at = bisect_left(curve, done, key=lambda point: point[1])
    if at == 0:
        return curve[0][0]
    if at == len(curve):
        return curve[-1][0]
    (t0, d0), (t1, d1) = curve[at - 1], curve[at]
    return t0 + (t1 - t0) * (done - d0) / (d1 - d0)
