"""Argon2id as OWASP advises first (46 MiB, one pass, one lane), a bounded number at a time.

Django's default takes 100 MiB: 128 threads that log in at once would take 12.8 GB.
"""

from __future__ import annotations

import threading
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections

AT_ONCE = 4  # hashes in one process; they keep a core busy each
SLOTS = threading.BoundedSemaphore(AT_ONCE)


def hand_back_connection() -> None:
    """Give the database's connection to others meanwhile, unless a transaction needs it.

    A hundred logins that wait for a slot would otherwise hold the whole pool, and every other
    request of the process would be told that the database is away.
    """
    connection = connections["default"]
    if not connection.in_atomic_block:
        connection.close()


class BoundedArgon2(Argon2PasswordHasher):
    """The hasher of the product."""

    memory_cost = 47_104  # KiB
    time_cost = 1
    parallelism = 1

    def encode(self, password: str, salt: Any) -> str:
        """Hash, once there is a slot."""
        hand_back_connection()
        with SLOTS:
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Compare, once there is a slot."""
        hand_back_connection()
        with SLOTS:
            return bool(super().verify(password, encoded))
