"""Many callers at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def at_once(count: int, call: Callable[[int], Result], *, threads: int = 16) -> list[Result]:
    """`call(0)` … `call(count - 1)` in threads; each gives its connection back."""
    from django.db import connections

    def alone(number: int) -> Result:
        try:
            return call(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(alone, range(count)))
