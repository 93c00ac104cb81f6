"""Waiting on conditions: the only clock that tests look at."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def wait_until(
    condition: Callable[[], Found],
    *,
    timeout_s: float = 20.0,
    pause: Callable[[], None] | None = None,
) -> Found:
    """The first true value of `condition`; fails the test when there is none in time.

    `pause` runs between two looks (a supervisor's `pause`, so that it can tend its children).
    """
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {condition}")
        (pause or _nap)()


def _nap() -> None:
    time.sleep(0.02)
