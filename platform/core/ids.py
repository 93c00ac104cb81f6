"""Opaque, unguessable, sortable ids with a typed prefix: ``job_01JD…`` (Crockford base32).

48 bits of milliseconds as in RFC 9562 §5.7, then 80 random ones; text as in the ULID spec.
"""

from __future__ import annotations

import secrets
import time
from datetime import datetime

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PAIRS = [a + b for a in ALPHABET for b in ALPHABET]  # two digits at a time: half the steps
LENGTH = 26


def new_id(prefix: str) -> str:
    """A new id, 26 characters after ``prefix_``."""
    milliseconds = time.time_ns() // 1_000_000
    return f"{prefix}_{text_of((milliseconds << 80) | secrets.randbits(80))}"


def first_id_at(prefix: str, moment: datetime) -> str:
    """The least id that could be made at a moment: what is older has a lesser one."""
    return f"{prefix}_{text_of(max(int(moment.timestamp() * 1000), 0) << 80)}"


def text_of(value: int) -> str:
    """26 digits."""
    return "".join([PAIRS[(value >> shift) & 1023] for shift in range(5 * LENGTH - 10, -1, -10)])
