"""Failed logins, counted in Redis before the password is looked at, so that no race gets through.

API.md: in 15 minutes 5 for an account from one address, 50 for an account, 100 for an address.
Without Redis logging in is closed: guessing must never be free.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.cache import caches
from redis.exceptions import RedisError

from core.errors import AppError, InvalidCredentials, ServiceUnavailable, TooManyAttempts

WINDOW_S = 900
LIMITS = {"pair": 5, "account": 50, "address": 100}  # failures in any such window

# Sorted sets of attempts by time, in Redis' own clock. All limits are looked at before anything is
# counted, in one step, so that neither a race nor the turn of an hour lets one more through.
TRY = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local window, wait = tonumber(ARGV[2]), 0
for i, key in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now - window)
  local surplus = redis.call('ZCARD', key) - tonumber(ARGV[2 + i])
  if surplus >= 0 then
    local oldest = redis.call('ZRANGE', key, surplus, surplus, 'WITHSCORES')
    wait = math.max(wait, oldest[2] + window - now)
  end
end
if wait > 0 then return math.ceil(wait) end
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, now, ARGV[1])
  redis.call('EXPIRE', key, window)
end
return 0
"""


def counters(account: str, address: str) -> list[str]:
    """Where attempts are kept, in the order of LIMITS; an account's name is not kept in Redis."""
    name = hashlib.sha256(account.strip().lower().encode()).hexdigest()[:32]
    subjects = {"pair": f"{name}:{address}", "account": name, "address": address}
    return [f"platform:login:{kind}:{subject}" for kind, subject in subjects.items()]


@contextmanager
def attempt(*, account: str, address: str) -> Iterator[None]:
    """Count the attempt; forget it unless the block finds a wrong password or code.

    Raises TooManyAttempts; ServiceUnavailable without Redis.
    """
    keys, mark = counters(account, address), secrets.token_hex(8)
    try:
        wait_s = count(keys, mark)
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable(
            "Logging in is closed for a moment. Try again.", headers={"Retry-After": "10"}
        ) from error
    if wait_s:
        raise too_many(wait_s)
    try:
        yield
    except InvalidCredentials:
        raise
    except AppError:  # a code that is still to come, a new password that is too weak
        forget(keys, mark)
        raise
    forget(keys, mark)


def redis() -> Any:
    """The client of the platform's cache."""
    return caches["platform"]._cache.get_client(write=True)  # type: ignore[attr-defined]  # noqa: SLF001


def count(keys: list[str], mark: str) -> int:
    """Keep one more attempt; 0, or the seconds to wait where a limit is reached."""
    return int(redis().register_script(TRY)(keys, [mark, WINDOW_S, *LIMITS.values()]))


def forget(keys: list[str], mark: str) -> None:
    """It was no failure."""
    with suppress(RedisError, ConnectionError):
        for key in keys:
            redis().zrem(key, mark)


def too_many(wait_s: int) -> TooManyAttempts:
    """429 with the seconds until the oldest failure is forgotten."""
    return TooManyAttempts(
        f"Too many failed logins. Try again in {wait_s // 60 + 1} min, or reset the password.",
        headers={"Retry-After": str(wait_s)},
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
