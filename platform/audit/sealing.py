"""The seal of an entry: HMAC-SHA256 over its columns and the seal before it. Pure.

A plain hash could be made anew by whoever may write to the database; the key is not in it.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from core.env import env

FIRST = "0" * 64  # what the first entry has before it
SEALED = (
    *("id", "sequence", "action", "actor_id", "api_key_id", "target", "changes", "address"),
    *("request_id", "created_at", "previous"),
)


@lru_cache(maxsize=1)
def key() -> bytes:
    """The key of this installation, from SECRET_KEY."""
    secret = env().site.secret_key.get_secret_value().encode()
    return hashlib.sha256(b"filemill.audit" + secret).digest()


def canonical(value: Any) -> str:
    """One text for one JSON value; ids, times and the like as text."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()


def seal(columns: dict[str, Any]) -> str:
    """The seal over ``SEALED``, in hex; the time counts in UTC microseconds."""
    fields = {name: columns[name] for name in SEALED}
    moment: datetime = fields["created_at"]
    fields["created_at"] = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return hmac.new(key(), canonical(fields).encode(), hashlib.sha256).hexdigest()
