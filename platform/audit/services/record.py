"""Append one entry to the tenant's chain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.sealing import FIRST, canonical, seal
from audit.trail.models import Entry, Head, entry_id
from core.calling import calling
from core.tenancy import in_tenant, require_tenant

ACTION = re.compile(r"^[a-z_]+(\.[a-z_]+)+$")


def record(
    *,
    action: str,
    target: str,
    changes: Mapping[str, Any] | None = None,
    actor_id: str | None = None,
    schema_name: str | None = None,
) -> str:
    """Append an entry in the caller's transaction; its id.

    ``action`` is ``noun.verb`` (``member.role_changed``), ``target`` an id, ``changes`` what JSON
    can hold, best ``{"field": [before, after]}``, ids rather than names and addresses: an entry is
    never erased. The actor, key, address and request id are the running request's unless
    ``actor_id`` says otherwise. ``schema_name`` for verbs that run in public (staff).

    Call it last in the transaction: entries of one tenant wait for each other until it commits.
    """
    if not ACTION.match(action):
        raise ValueError(f"not an action: {action!r}")
    with in_tenant(schema_name) if schema_name else nullcontext(), transaction.atomic():
        require_tenant()
        return append(action, target, canonical(dict(changes or {})), actor_id)


def append(action: str, target: str, changes: str, actor_id: str | None) -> str:
    """Lock the head, write the entry behind it, move the head."""
    call = calling()
    head = locked_head()
    columns = {
        "id": entry_id(),
        "sequence": head.sequence + 1,
        "action": action,
        "actor_id": call.user_id if actor_id is None else actor_id,
        "api_key_id": call.api_key_id,
        "target": target[:200],
        "changes": changes,
        "address": call.address[:64],
        "request_id": call.request_id,
        "created_at": timezone.now(),
        "previous": head.seal,
    }
    entry = Entry.objects.create(**columns, seal=seal(columns))
    Head.objects.update(sequence=entry.sequence, seal=entry.seal)
    return entry.id


def locked_head() -> Head:
    """The head, ours until the transaction ends; made with the first entry."""
    Head.objects.bulk_create([Head(sequence=0, seal=FIRST)], ignore_conflicts=True)
    return Head.objects.select_for_update().get()
