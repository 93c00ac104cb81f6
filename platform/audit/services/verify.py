"""Check a tenant's chain, entry by entry."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass

from audit.sealing import FIRST, SEALED, seal
from audit.trail.models import Entry, Head

SHOWN = 100  # broken places that are told; a forged chain may have millions
CHUNK = 1000


@dataclass(frozen=True)
class Broken:
    """A place where the chain does not hold. ``id`` is empty where an entry is missing."""

    sequence: int
    id: str
    reason: str  # altered, missing, moved, cut_off


@dataclass(frozen=True)
class Verdict:
    """The result of a check."""

    ok: bool
    checked: int  # entries
    broken: list[Broken]


def verify() -> Verdict:
    """Check every entry of the current tenant against its seal, its neighbour, and the head."""
    checked = 0
    broken: list[Broken] = []
    last_sequence, last_seal = 0, FIRST
    for entry in Entry.objects.order_by("sequence").iterator(CHUNK):
        broken += faults(entry, last_sequence, last_seal)
        last_sequence, last_seal = entry.sequence, entry.seal
        checked += 1
    broken += head_faults(last_sequence, last_seal)
    return Verdict(not broken, checked, broken[:SHOWN])


def faults(entry: Entry, last_sequence: int, last_seal: str) -> Iterator[Broken]:
    """What is wrong with one entry."""
    for gone in range(last_sequence + 1, min(entry.sequence, last_sequence + 1 + SHOWN)):
        yield Broken(gone, "", "missing")
    columns = {name: getattr(entry, name) for name in SEALED}
    if not hmac.compare_digest(seal(columns), entry.seal):
        yield Broken(entry.sequence, entry.id, "altered")
    elif entry.previous != last_seal and entry.sequence == last_sequence + 1:
        yield Broken(entry.sequence, entry.id, "moved")


def head_faults(last_sequence: int, last_seal: str) -> Iterator[Broken]:
    """Whether the chain ends where its head says."""
    head = Head.objects.first() or Head(sequence=0, seal=FIRST)
    if last_sequence > head.sequence:
        yield Broken(last_sequence, "", "moved")
    elif last_sequence < head.sequence:
        for gone in range(last_sequence + 1, min(head.sequence, last_sequence + SHOWN) + 1):
            yield Broken(gone, "", "cut_off")
    elif last_seal != head.seal:
        yield Broken(last_sequence, "", "altered")
