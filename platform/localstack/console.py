"""Calm output: one line per step, with its seconds."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 46


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Prints the title when it begins (on a terminal) and its seconds when it is done."""
    live = sys.stdout.isatty()
    if live:
        print(f"  {title:<{WIDTH}} …", end="", flush=True)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        print("\r" * live + f"  {title:<{WIDTH}} failed", flush=True)
        raise
    print("\r" * live + f"  {title:<{WIDTH}} {time.monotonic() - began:6.1f} s", flush=True)
