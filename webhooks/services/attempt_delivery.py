"""Call an address once: sign, send through the guarded client, remember, plan what follows."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
from django.db import transaction
from django.utils import timezone

import dispatch.services as dispatch
from core.crypto import unseal
from core.env import env
from core.errors import AppError
from core.http import client
from dispatch.errors import LeaseLost
from dispatch.services import Lease
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.services.keep_endpoints import default_endpoint
from webhooks.signing import headers as signed_headers
from webhooks.terms import KEPT_BODY, RETRY_S, TIMEOUT_S

JITTER = 0.1  # share of a delay, so that retries don't come in step
GONE = 410


@dataclass(frozen=True)
class Answer:
    """What came back: a status, or the reason why none did."""

    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    error: str = ""
    duration_ms: int = 0

    @property
    def is_success(self) -> bool:
        """2xx."""
        return self.status is not None and 200 <= self.status < 300


def attempt_delivery(*, ticket_id: str) -> None:
    """Do the attempt of a ticket; the id is the same on each, the timestamp is new."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    try:
        with dispatch.kept(lease):
            attempt(lease)
    except LeaseLost:
        return


def attempt(lease: Lease) -> None:
    """One call; no transaction is open meanwhile."""
    delivery = Delivery.objects.select_related("endpoint").filter(pk=lease.ref).first()
    if delivery is None or delivery.status != "pending" or not delivery.endpoint.is_enabled:
        with transaction.atomic():
            dispatch.close(lease)
        return
    body = delivery.body.encode()
    sent = {
        "Content-Type": "application/json",
        **signed_headers(secrets_of(delivery), delivery.event_id, int(time.time()), body),
    }
    answer = call(delivery.url, sent, body)
    with transaction.atomic():
        record(delivery, sent, answer)
        follow(lease, delivery, answer)


def secrets_of(delivery: Delivery) -> list[str]:
    """The secrets that sign: the endpoint's, and the default one for a job's own address."""
    bearers = [delivery.endpoint]
    if delivery.has_default_signature and not delivery.endpoint.is_default_secret:
        bearers.append(default_endpoint())
    return [unseal(bearer.secret_sealed) for bearer in bearers]


def call(url: str, sent: dict[str, str], body: bytes) -> Answer:
    """POST, at most 15 s in all; at most 4 KiB of the answer are read."""
    started = time.monotonic()

    def spent() -> int:
        return int((time.monotonic() - started) * 1000)

    try:
        with (
            client(webhook=True, timeout_s=TIMEOUT_S) as http,
            http.stream("POST", url, content=body, headers=sent) as response,
        ):
            text = read_start(response)
            return Answer(response.status_code, dict(response.headers), text, duration_ms=spent())
    except (httpx.HTTPError, httpx.InvalidURL, AppError, OSError) as error:
        return Answer(error=f"{type(error).__name__}: {error}"[:500], duration_ms=spent())


def read_start(response: httpx.Response) -> str:
    """The first 4 KiB of an answer; the client's deadline cuts a dripping one."""
    kept = b""
    for chunk in response.iter_raw():  # as it comes: a chunk size would wait to be full
        kept += chunk
        if len(kept) >= KEPT_BODY:
            break
    return kept[:KEPT_BODY].decode("utf-8", "replace").replace("\x00", "")


def record(delivery: Delivery, sent: dict[str, str], answer: Answer) -> None:
    """One Attempt row."""
    delivery.attempt_count += 1
    Attempt.objects.create(
        delivery=delivery,
        number=delivery.attempt_count,
        request_headers=sent,
        response_status=answer.status,
        response_headers=answer.headers,
        response_body=answer.body,
        error=answer.error,
        duration_ms=answer.duration_ms,
    )


def follow(lease: Lease, delivery: Delivery, answer: Answer) -> None:
    """Done, or again later, or given up; 410 disables the endpoint."""
    tries = delivery.attempt_count
    if answer.is_success or tries > len(RETRY_S) or answer.status == GONE:
        delivery.status = "succeeded" if answer.is_success else "failed"
        delivery.next_attempt_at, delivery.finished_at = None, timezone.now()
        if answer.status == GONE and not delivery.endpoint.is_default_secret:
            Endpoint.objects.filter(pk=delivery.endpoint_id).update(
                is_enabled=False, disabled_reason="The address answered 410 Gone."
            )
        dispatch.close(lease)
    else:
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter, no secret
        delay = RETRY_S[tries - 1] * spread * env().limits.webhook_retry_scale
        delivery.next_attempt_at = timezone.now() + timedelta(seconds=delay)
        dispatch.retry(lease, delay_s=delay)
    delivery.save()
