"""Opaque, unguessable, sortable ids with a typed prefix: ``job_01JD…`` (Crockford base32).

48 bits of milliseconds as in RFC 9562 §5.7, then 80 random ones; text as in the ULID spec.
"""

from __future__ import annotations

import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]  # two digits at a time: half the steps
LENGTH = 26


def new_id(prefix: str) -> str:
    """A new id, 26 characters after ``prefix_``."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds << 80) | secrets.randbits(80)
    pairs = [PAIRS[(value >> shift) & 1023] for shift in range(5 * LENGTH - 10, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"
