"""Seconds from what a file holds: a constant part (sandbox, program start) and one for each unit.

Pure arithmetic. Relative errors are what counts, so that a job of 20 ms weighs as much as one of
20 minutes; few observations are drawn towards what is known of the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

LEAST_S = 0.01
_ROUNDS = 12
_OUTLIER = 0.5  # relative errors beyond it count less and less
_PULL = 1.0  # of what is known before: as much as so many observations
_EPSILON = 1e-9

# bytes, pages, megapixels, megapixels × seconds of film, seconds of sound, cells, words, entries
UNITS = 8
Weights = tuple[float, ...]  # seconds: constant, then for each unit
Run = tuple[float, ...]  # seconds, then the work


def work_of(size: int, known: Mapping[str, Any]) -> tuple[float, ...]:
    """How much there is to do, from a file's facts; what is not told counts as none."""

    def number(*names: str) -> float:
        values = (known.get(name) for name in names)
        return next((float(v) for v in values if isinstance(v, int | float) and v > 0), 0.0)

    picture = number("width") * number("height") / 1e6
    seconds = number("duration_seconds")
    cells = number("cells") or number("rows") * max(number("columns"), 1.0)
    return (
        float(size),
        number("pages", "slides", "spine"),
        0.0 if seconds else picture * max(number("frames"), 1.0),
        picture * seconds,
        seconds,
        cells,
        number("word_count"),
        number("entries", "paragraphs", "items", "cues"),
    )


def predict(weights: Sequence[float], work: Sequence[float]) -> float:
    """Seconds."""
    each = sum(weight * amount for weight, amount in zip(weights[1:], work, strict=True))
    return max(LEAST_S, weights[0] + each)


def fit(runs: Sequence[Run], prior: Sequence[float] | None = None) -> Weights:
    """Weights that are never negative, by reweighted least squares of relative errors."""
    table = np.asarray(runs, dtype=float)
    seconds = np.maximum(table[:, 0], LEAST_S)
    work = np.column_stack([np.ones(len(table)), table[:, 1:]])
    scale = np.maximum(np.abs(work).mean(axis=0), _EPSILON)
    before = np.asarray(prior) * scale if prior else _at_first(seconds, len(scale))
    found = before
    for _ in range(_ROUNDS):
        guess = np.maximum(work / scale @ found, LEAST_S)
        off = np.abs(seconds / guess - 1)
        trust = 1 / guess * np.sqrt(np.minimum(1.0, _OUTLIER / np.maximum(off, _EPSILON)))
        pull = _PULL / max(float(np.median(seconds)), LEAST_S) ** 2
        found = _solved(work / scale * trust[:, None], seconds * trust, before, pull)
    guess = np.maximum(work / scale @ found, LEAST_S)
    found = found * median((seconds / guess).tolist())
    return tuple(float(value) for value in found / scale)


def _at_first(seconds: Any, count: int) -> Any:
    """Nothing is known: half of the time is the start, no unit counts more than another."""
    half = float(np.median(seconds)) / 2
    return np.array([half, *[0.0] * (count - 1)])


def _solved(work: Any, seconds: Any, before: Any, pull: float) -> Any:
    """Ridge regression around ``before``; what would be negative is nothing."""
    active = np.ones(len(before), dtype=bool)
    found = np.zeros(len(before))
    for _ in range(len(before)):
        part = work[:, active]
        left = part.T @ part + pull * np.eye(part.shape[1])
        right = part.T @ seconds + pull * before[active]
        found[:] = 0.0
        found[active] = np.linalg.solve(left, right)
        if (found >= 0).all():
            break
        active &= found > 0
    return np.maximum(found, 0.0)
