"""Claim a key, remember its answer, replay it. In Postgres, so that it outlives every process."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.errors import IdempotencyInProgress, IdempotencyMismatch
from core.idempotency.models import IdempotencyRecord

KEPT = timedelta(hours=24)
LOCK = timedelta(seconds=120)  # a request that takes longer has died
REPLAYED_HEADERS = ("Location", "ETag", "X-Job-Id", "Content-Disposition")


def fingerprint(request: HttpRequest) -> str:
    """A hash of what was asked: method, address, fields, and each file's content hash."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
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
    now = timezone.now()
    with transaction.atomic():
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
    """Keep the answer for 24 hours; a fault of ours or an answer about waiting is not kept."""
    if response.status_code >= 500 or response.status_code == 429 or response.streaming:
        forget(key)  # a 5xx with its work undone; a stream is not read twice
        return
    headers = {name: response[name] for name in REPLAYED_HEADERS if response.has_header(name)}
    IdempotencyRecord.objects.filter(key=key).update(
        status=response.status_code,
        content_type=response.get("Content-Type", ""),
        headers=headers,
        body=response.content,
    )


def keep_answer(key: str, *, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep the answer in the transaction that does the work.

    A process that dies between commit and answer then still replays it. ``remember`` may put the
    answer that was really sent in its place.
    """
    IdempotencyRecord.objects.filter(key=key).update(
        status=status, headers=headers, body=body, content_type="application/json"
    )


def forget(key: str) -> None:
    """Give the key back, unless the work was done and has kept its answer."""
    IdempotencyRecord.objects.filter(key=key, status__isnull=True).delete()


def replay(record: IdempotencyRecord) -> HttpResponse:
    """The first answer again, and a header that says so."""
    response = HttpResponse(
        bytes(record.body), status=record.status, content_type=record.content_type
    )
    for name, value in record.headers.items():
        response[name] = value
    response["Idempotency-Replayed"] = "true"
    return response
