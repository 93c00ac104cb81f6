"""Note who called what: into the spool at once, into the database a moment later."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from audit.models import Activity, activity_id
from audit.spool import Row, Spool
from core.calling import calling
from core.tenancy import in_public

log = logging.getLogger("filemill.audit")
COLUMNS = tuple(field.attname for field in Activity._meta.concrete_fields)  # noqa: SLF001 - documented
WIDTHS = {f.attname: f.max_length for f in Activity._meta.concrete_fields}  # noqa: SLF001
INSERT = f"""
INSERT INTO audit_activity ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM jsonb_populate_recordset(NULL::audit_activity, %s::jsonb)
ON CONFLICT (id) DO UPDATE SET status = coalesce(EXCLUDED.status, audit_activity.status),
  user_id = EXCLUDED.user_id, target = EXCLUDED.target, route = EXCLUDED.route
"""  # noqa: S608 - our own column names


@dataclass(frozen=True, kw_only=True)
class Noted:
    """An activity as it is spooled."""

    action: str
    route: str
    target: str
    status: int | None
    schema_name: str
    user_id: str
    api_key_id: str
    address: str
    user_agent: str
    request_id: str
    id: str = field(default_factory=activity_id)
    created_at: str = field(default_factory=lambda: timezone.now().isoformat())


def record_activity(
    *,
    action: str,
    target: str = "",
    user_id: str | None = None,
    schema_name: str | None = None,
    status: int = 200,
) -> None:
    """Note something that the middleware does not see by itself (a login by another way).

    ``action`` is a word: login, logout, create, update, delete, download, …. Person, tenant,
    address, user agent and request id are the running request's unless said otherwise. Written off
    the hot path and not lost with the process; outside of the caller's transaction.
    """
    note_end(note_begin(action, "", target, user_id, schema_name, spooled=False), status)


def note_begin(
    action: str,
    route: str,
    target: str = "",
    user_id: str | None = None,
    schema_name: str | None = None,
    *,
    spooled: bool = True,
) -> Noted:
    """Note a call that begins; should its process die, the row says that its end is unknown."""
    call = calling()
    noted = Noted(
        action=action,
        route=route,
        target=target,
        status=None,
        schema_name=call.schema_name if schema_name is None else schema_name,
        user_id=call.user_id if user_id is None else user_id,
        api_key_id=call.api_key_id,
        address=call.address,
        user_agent=call.user_agent,
        request_id=call.request_id,
    )
    if spooled:
        keep(noted)
    return noted


def note_end(noted: Noted, status: int, **known: str) -> None:
    """Note how the call ended; ``known`` are fields that only the end knows."""
    keep(replace(noted, status=status, **{name: text for name, text in known.items() if text}))


def keep(noted: Noted) -> None:
    """Into the spool; into the database where there is no spool."""
    row = {name: fitting(name, value) for name, value in asdict(noted).items()}
    try:
        SPOOL.append(row)
    except OSError as error:
        log.warning("no spool, the activity goes straight to the database: %s", error)
        store([row])


def fitting(name: str, value: Any) -> Any:
    """A text that its column takes: printable as UTF-8, without zero bytes, not too long."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").encode("utf-8", "replace").decode()[: WIDTHS[name] or None]


def store(rows: list[Row]) -> None:
    """Write rows; one that was written before only learns its end. Bad ones are told, and left."""
    latest: dict[str, Row] = {}
    for row in rows:
        earlier = latest.get(str(row["id"]))
        latest[str(row["id"])] = earlier if earlier and row["status"] is None else row
    with in_public():
        try:
            insert(list(latest.values()))
        except (DataError, IntegrityError):
            for row in latest.values():
                try:
                    insert([row])
                except (DataError, IntegrityError):
                    log.exception("an activity that can't be stored: %s", row)


def insert(rows: list[Row]) -> None:
    """One statement."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(INSERT, [orjson.dumps(rows).decode()])


def forget_person(*, user_id: str) -> None:
    """Erasure: the id stays as a pseudonym, addresses and user agents go. Idempotent."""
    SPOOL.drain()
    with in_public():
        Activity.objects.filter(user_id=user_id).update(address="", user_agent="")


SPOOL = Spool(store)
