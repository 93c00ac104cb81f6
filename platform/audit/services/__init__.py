"""Verbs of the audit: the sealed trail of critical changes, and the log of activity."""

from audit.services.record import record
from audit.services.record_activity import (
    SPOOL,
    Noted,
    forget_person,
    note_begin,
    note_end,
    record_activity,
)
from audit.services.verify import Broken, Verdict, verify

__all__ = [
    "SPOOL",
    "Broken",
    "Noted",
    "Verdict",
    "forget_person",
    "note_begin",
    "note_end",
    "record",
    "record_activity",
    "verify",
]
