"""Failed logins, counted in Redis before the password is looked at, so that no race gets through.

API.md: in 15 minutes 5 for an account from one address, 50 for an account, 100 for an address.
Without Redis logging in is closed: guessing must never be free.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import caches
from redis.exceptions import RedisError

from core.errors import ServiceUnavailable, TooManyAttempts

WINDOW_S = 900
LIMITS = {"pair": 5, "account": 50, "address": 100}  # failures in a window


def counters(account: str, address: str) -> dict[str, str]:
    """The cache keys of this window; an account's name is not kept in Redis."""
    name = hashlib.sha256(account.strip().lower().encode()).hexdigest()[:32]
    window = int(time.time()) // WINDOW_S
    subjects = {"pair": f"{name}:{address}", "account": name, "address": address}
    return {kind: f"login:{kind}:{subject}:{window}" for kind, subject in subjects.items()}


@contextmanager
def attempt(*, account: str, address: str) -> Iterator[None]:
    """Count the attempt; forget it when the block succeeds. Raises TooManyAttempts."""
    keys = counters(account, address)
    try:
        over = [kind for kind, key in keys.items() if count(key) > LIMITS[kind]]
        if over:
            forget(keys)
            raise too_many()
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable(
            "Logging in is closed for a moment. Try again.", headers={"Retry-After": "10"}
        ) from error
    yield
    try:
        forget(keys)
    except (RedisError, ConnectionError):
        return


def count(key: str) -> int:
    """One more; the number so far in this window."""
    cache = caches["platform"]
    cache.add(key, 0, WINDOW_S + 5)
    return int(cache.incr(key))


def forget(keys: dict[str, str]) -> None:
    """One less of each."""
    for key in keys.values():
        try:
            caches["platform"].decr(key)
        except ValueError:  # the window has ended meanwhile
            continue


def too_many() -> TooManyAttempts:
    """429 with the seconds to the next window."""
    left = WINDOW_S - int(time.time()) % WINDOW_S
    return TooManyAttempts(
        f"Too many failed logins. Try again in {left // 60 + 1} min, or reset the password.",
        headers={"Retry-After": str(left)},
    )


def spend(kind: str, subject: str, *, most: int, window_s: int) -> bool:
    """Count one use; False once there were ``most`` in this window. Closed without Redis."""
    name = hashlib.sha256(subject.encode()).hexdigest()[:32]
    key = f"spend:{kind}:{name}:{int(time.time()) // window_s}"
    cache = caches["platform"]
    try:
        cache.add(key, 0, window_s + 5)
        return int(cache.incr(key)) <= most
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable("Try again in a moment.", headers={"Retry-After": "10"}) from error


def spend_or_refuse(kind: str, subject: str, *, most: int, window_s: int) -> None:
    """Like ``spend``; raises TooManyAttempts when it is used up."""
    if not spend(kind, subject, most=most, window_s=window_s):
        left = window_s - int(time.time()) % window_s
        raise TooManyAttempts(
            f"Too many of these from here. Try again in {left // 60 + 1} min.",
            headers={"Retry-After": str(left)},
        )
