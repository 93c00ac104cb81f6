"""Opaque, unguessable, sortable ids with a typed prefix: ``job_01JD…`` (Crockford base32).

48 bits of milliseconds as in RFC 9562 §5.7, then 80 random ones; text as in the ULID spec.
"""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26


def new_id(prefix: str) -> str:
    """A new id, 26 characters after ``prefix_``."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    digits = []
    for _ in range(LENGTH):
        value, digit = divmod(value, 32)
        digits.append(ALPHABET[digit])
    return f"{prefix}_{''.join(reversed(digits))}"
