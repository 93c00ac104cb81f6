"""Claim a key, remember its answer, replay it. In Postgres, so that it outlives every process."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse

from core.access import Principal
from core.crypto import seal_bytes, unseal_bytes
from core.errors import Conflict, IdempotencyInProgress, IdempotencyMismatch
from core.idempotency.models import IdempotencyRecord
from core.postgres import database_now

KEPT = timedelta(hours=24)
LOCK = timedelta(seconds=120)  # a request that takes longer has died
REPLAYED_HEADERS = ("Location", "ETag", "X-Job-Id", "Content-Disposition")


def fingerprint(request: HttpRequest) -> str:
    """A hash of what was asked and for whom: method, address, fields, each file's content hash.

    Keys of a tenant stand in for each other, live ones for live ones; what a person was answered
    is theirs.
    """
    caller: Principal = request.principal  # type: ignore[attr-defined]
    person = "" if caller.api_key_id else caller.user_id
    asked = f"{request.method} {request.get_full_path()} {person} {caller.is_test}\n"
    digest = hashlib.sha256(asked.encode())
    if (request.content_type or "").startswith("multipart/"):
        for name in sorted(request.POST):
            digest.update(f"{name}={request.POST.getlist(name)!r}\n".encode())
        for name in sorted(request.FILES):
            for file in request.FILES.getlist(name):
                digest.update(f"{name}:{file.name}:{getattr(file, 'sha256', '')}\n".encode())
    else:
        digest.update(request.body)
    return digest.hexdigest()


def claim(key: str, mark: str) -> IdempotencyRecord | None:
    """Take the key: None when it is ours to answer, else the record to replay.

    Raises IdempotencyMismatch, IdempotencyInProgress.
    """
    with transaction.atomic():
        now = database_now()
        IdempotencyRecord.objects.filter(key=key, created_at__lt=now - KEPT).delete()
        made = IdempotencyRecord.objects.bulk_create(
            [IdempotencyRecord(key=key, fingerprint=mark, locked_until=now + LOCK)],
            ignore_conflicts=True,
        )
        record = IdempotencyRecord.objects.select_for_update().get(key=key)
        if record.locked_until == made[0].locked_until and record.status is None:
            return None
        if record.fingerprint != mark:
            raise IdempotencyMismatch("Use a new key for a new request.")
        if record.status is not None:
            return record
        if record.locked_until > now:
            raise IdempotencyInProgress("Ask again in a moment.", headers={"Retry-After": "1"})
        record.locked_until = now + LOCK
        record.save(update_fields=["locked_until"])
    return None


def remember(key: str, response: HttpResponse) -> None:
    """Keep the answer for 24 hours; a fault of ours or an answer about waiting is not kept.

    Where the work has kept its answer already, others may have been given that: it is sent to the
    first caller too.
    """
    if response.status_code >= 500 or response.status_code == 429 or response.streaming:
        forget(key)  # a 5xx with its work undone; a stream is not read twice
        return
    rows = IdempotencyRecord.objects.filter(key=key)
    kept = rows.filter(status=response.status_code).values_list("body", flat=True).first()
    if kept is not None:
        response.content = unseal_bytes(bytes(kept))
        return
    rows.update(
        status=response.status_code,
        content_type=response.get("Content-Type", ""),
        headers={name: response[name] for name in REPLAYED_HEADERS if response.has_header(name)},
        body=seal_bytes(response.content),  # it may hold what is shown once: a key's secret
    )


def keep_answer(key: str, *, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep the answer in the transaction that does the work.

    A process that dies between commit and answer then still replays it. ``remember`` may put the
    answer that was really sent in its place.
    """
    IdempotencyRecord.objects.filter(key=key).update(
        status=status, headers=headers, body=seal_bytes(body), content_type="application/json"
    )


def forget(key: str) -> None:
    """Give the key back, unless the work was done and has kept its answer."""
    IdempotencyRecord.objects.filter(key=key, status__isnull=True).delete()


def forget_old() -> int:
    """Delete the current tenant's answers whose 24 hours are over. Returns how many."""
    over = IdempotencyRecord.objects.filter(created_at__lt=Now() - KEPT)
    return over.delete()[0]


def replay(record: IdempotencyRecord) -> HttpResponse:
    """The first answer again, and a header that says so. Raises Conflict when it can't be read."""
    try:
        body = unseal_bytes(bytes(record.body))
    except InvalidToken as error:
        raise Conflict("This was done, but its answer can't be read any more.") from error
    response = HttpResponse(body, status=record.status, content_type=record.content_type)
    for name, value in record.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response
