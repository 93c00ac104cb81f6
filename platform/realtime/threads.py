"""The few threads that speak with the database for many who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from django.db import close_old_connections

THREADS = 8  # below the size of the connection pool
POOL = ThreadPoolExecutor(THREADS, thread_name_prefix="realtime")
Result = TypeVar("Result")


async def in_thread(call: Callable[..., Result], *args: Any) -> Result:
    """Run a function that may use the database; its connection goes back to the pool."""
    return await asyncio.get_running_loop().run_in_executor(POOL, alone, call, args)


def alone(call: Callable[..., Result], args: tuple[Any, ...]) -> Result:
    """The call, between two looks at the thread's connection."""
    close_old_connections()
    try:
        return call(*args)
    finally:
        close_old_connections()
