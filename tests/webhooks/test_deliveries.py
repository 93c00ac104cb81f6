"""Deliveries: signed, retried with the same id, cut when slow, never to a private address."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from itertools import count
from typing import Any

import pytest

from core.env import env
from core.outbox.services import relay
from core.tenancy import in_tenant
from dispatch.models import Ticket
from tests.factories.jobs import make_job
from tests.factories.tenants import Tenant, make_tenant
from tests.factories.webhooks import make_endpoint
from tests.product import Product
from tests.webhooks.receiver import Hook, listening
from webhooks.models import Delivery
from webhooks.services import attempt_delivery
from webhooks.terms import RETRY_S

ATTEMPT = import_module("webhooks.services.attempt_delivery")


@pytest.fixture
def hook(product: Product) -> Iterator[Hook]:
    """A receiver on the allowed port."""
    with listening(product.hook_port) as found:
        yield found


@pytest.fixture
def tenant(product: Product) -> Tenant:
    """A tenant without endpoints, whose first events are through."""
    made = make_tenant()
    relay()
    return made


def deliver(tenant: Tenant) -> None:
    """What relay and worker do: plan, then attempt each waiting delivery once."""
    relay()
    waiting = Ticket.objects.filter(
        lane_id=tenant.schema, task="webhooks.attempt", state__in=["waiting", "sent"]
    )
    for ticket in list(waiting.values_list("pk", flat=True)):
        with in_tenant(tenant.schema):
            attempt_delivery(ticket_id=ticket)


def detail(tenant: Tenant, **filters: str) -> dict[str, Any]:
    """The newest delivery with its attempts."""
    query = "&".join(f"{k}={v}" for k, v in filters.items())
    newest = tenant.api.get(f"webhooks/deliveries/?{query}").json["items"][0]
    found: dict[str, Any] = tenant.api.get(f"webhooks/deliveries/{newest['id']}/").json
    return found


def expected_signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_delivery_is_signed_by_standard_webhooks(tenant: Tenant, hook: Hook) -> None:
    endpoint = make_endpoint(tenant, hook.url, events=("job.created",))
    job_id = make_job(tenant)

    deliver(tenant)

    [(headers, body)] = hook.got
    message = json.loads(body)
    assert headers["webhook-signature"] == expected_signature(endpoint["secret"], headers, body)
    assert headers["webhook-id"] == message["id"]
    assert (message["type"], message["tenant"]) == ("job.created", tenant.slug)
    assert message["data"]["id"] == job_id
    assert detail(tenant)["status"] == "succeeded"


def test_a_jobs_own_address_is_signed_with_the_default_secret(tenant: Tenant, hook: Hook) -> None:
    job_id = tenant.api.convert(webhook_url=hook.url).json["id"]
    secret = tenant.api.get("webhooks/default-secret/").json["secret"]

    tenant.api.post(f"conversions/jobs/{job_id}/cancel/")
    deliver(tenant)

    [(headers, body)] = hook.got
    assert json.loads(body)["type"] == "job.canceled"
    assert headers["webhook-signature"] == expected_signature(secret, headers, body)


def test_a_failure_is_tried_again_after_about_five_seconds_under_the_same_id(
    tenant: Tenant, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    clock = count(1_800_000_000, 7)
    hook.status = 500

    with monkeypatch.context() as patch:
        patch.setattr(ATTEMPT.time, "time", lambda: next(clock))
        deliver(tenant)
        failed = detail(tenant)
        hook.status = 200
        deliver(tenant)
    done = detail(tenant)

    planned = datetime.fromisoformat(failed["next_attempt_at"])
    tried = datetime.fromisoformat(failed["attempts"][0]["created_at"])
    assert failed["status"] == "pending"
    assert 4 <= (planned - tried).total_seconds() <= 6
    assert (done["status"], done["attempt_count"]) == ("succeeded", 2)
    (one, first_body), (two, second_body) = hook.got
    assert one["webhook-id"] == two["webhook-id"]
    assert first_body == second_body
    assert one["webhook-timestamp"] != two["webhook-timestamp"]
    assert one["webhook-signature"] != two["webhook-signature"]


def test_the_retry_is_not_sent_before_its_time(tenant: Tenant, hook: Hook) -> None:
    from dispatch.services import pump

    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.status = 500
    deliver(tenant)

    pump()

    assert Ticket.objects.get(lane_id=tenant.schema, task="webhooks.attempt").state == "waiting"


def test_the_waits_are_those_of_the_contract() -> None:
    assert RETRY_S == (5, 30, 120, 600, 1800, 3600, 10_800, 21_600, 43_200, 86_400)


def test_after_the_last_wait_a_delivery_has_failed(tenant: Tenant, hook: Hook) -> None:
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.status = 503

    for _ in range(len(RETRY_S) + 3):
        deliver(tenant)

    found = detail(tenant)
    assert (found["status"], found["attempt_count"]) == ("failed", len(RETRY_S) + 1)
    assert len(hook.got) == len(RETRY_S) + 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(
    tenant: Tenant, hook: Hook, status: int
) -> None:
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.status, hook.headers = status, {"Location": "http://169.254.169.254/latest/"}

    deliver(tenant)

    found = detail(tenant)
    assert (found["status"], found["attempts"][0]["response_status"]) == ("pending", status)
    assert len(hook.got) == 1


def test_410_disables_the_endpoint(tenant: Tenant, hook: Hook) -> None:
    endpoint = make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.status = 410

    deliver(tenant)
    make_job(tenant)
    deliver(tenant)

    shown = tenant.api.get(f"webhooks/endpoints/{endpoint['id']}/").json
    assert shown["enabled"] is False
    assert "410" in shown["disabled_reason"]
    assert detail(tenant)["status"] == "failed"
    assert len(hook.got) == 1


def test_a_dripping_answer_is_cut(
    tenant: Tenant, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ATTEMPT, "TIMEOUT_S", 0.4)
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.drips = True

    deliver(tenant)

    [attempt] = detail(tenant)["attempts"]
    assert attempt["response_status"] is None
    assert attempt["error"].startswith("ReadTimeout")
    assert attempt["duration_ms"] < 3000


def test_a_dripping_head_is_cut(
    tenant: Tenant, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ATTEMPT, "TIMEOUT_S", 0.3)
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.drips_head_s = 1.5

    deliver(tenant)

    assert detail(tenant)["attempts"][0]["duration_ms"] < 1000


def test_of_a_long_answer_four_kib_are_kept(tenant: Tenant, hook: Hook) -> None:
    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    hook.body = b"a\0" * 100_000

    deliver(tenant)

    [attempt] = detail(tenant)["attempts"]
    assert attempt["response_status"] == 200
    assert len(attempt["response_body"]) <= 4096
    assert attempt["response_body"].startswith("aaa")


def test_a_dead_address_is_a_failure_with_its_reason(tenant: Tenant, product: Product) -> None:
    make_endpoint(tenant, f"http://127.0.0.1:{product.hook_port}/", events=("job.created",))
    make_job(tenant)

    deliver(tenant)

    found = detail(tenant)
    assert found["status"] == "pending"
    assert "ConnectError" in found["attempts"][0]["error"]


def test_a_name_that_turns_private_after_creation_is_not_called(
    tenant: Tenant, hook: Hook, monkeypatch: pytest.MonkeyPatch, product: Product
) -> None:
    answers = {"address": "93.184.216.34"}

    def rebound(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers["address"], port))]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", rebound)
        make_endpoint(
            tenant, f"http://rebound.example:{product.hook_port}/", events=("job.created",)
        )
        make_job(tenant)
        answers["address"] = "127.0.0.1"
        deliver(tenant)

    assert hook.got == []
    [attempt] = detail(tenant)["attempts"]
    assert "UrlForbidden" in attempt["error"]


def test_the_connection_goes_to_the_address_that_was_judged(
    tenant: Tenant, hook: Hook, monkeypatch: pytest.MonkeyPatch, product: Product
) -> None:
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def counting(host: str, *args: Any, **kwargs: Any) -> Any:
        looked_up.append(host)
        return real("127.0.0.1" if host == "hooks.example" else host, *args, **kwargs)

    allowed = f"hooks.example:{product.hook_port}"
    monkeypatch.setitem(env().limits.__dict__, "webhook_allow_hosts", (allowed,))
    monkeypatch.setattr(socket, "getaddrinfo", counting)
    make_endpoint(tenant, f"http://{allowed}/", events=("job.created",))
    make_job(tenant)
    looked_up.clear()

    deliver(tenant)

    assert len(hook.got) == 1
    assert looked_up.count("hooks.example") == 1


def test_endpoints_get_what_they_chose(tenant: Tenant, hook: Hook) -> None:
    make_endpoint(tenant, f"{hook.url}?one", events=("job.canceled",))
    make_endpoint(tenant, f"{hook.url}?two", events=("key.*",))
    off = make_endpoint(tenant, f"{hook.url}?three", events=("*",))
    tenant.api.call("PATCH", f"webhooks/endpoints/{off['id']}/", {"enabled": False})
    job_id = make_job(tenant)
    tenant.api.post(f"conversions/jobs/{job_id}/cancel/")

    deliver(tenant)

    assert [json.loads(body)["type"] for _, body in hook.got] == ["job.canceled"]


def test_the_same_event_is_delivered_once_to_an_address(tenant: Tenant, hook: Hook) -> None:
    from core.outbox.models import OutboxEvent

    make_endpoint(tenant, hook.url, events=("job.created",))
    make_job(tenant)
    relay()
    OutboxEvent.objects.filter(schema_name=tenant.schema).update(relayed_at=None)

    deliver(tenant)
    deliver(tenant)

    assert len(hook.got) == 1
    with in_tenant(tenant.schema):
        assert Delivery.objects.count() == 1


def test_a_secret_is_shown_once_and_stored_sealed(tenant: Tenant, hook: Hook) -> None:
    endpoint = make_endpoint(tenant, hook.url)

    shown = tenant.api.get(f"webhooks/endpoints/{endpoint['id']}/").json

    assert endpoint["secret"].startswith("whsec_")
    assert "secret" not in shown
    with in_tenant(tenant.schema):
        from webhooks.models import Endpoint

        assert endpoint["secret"] not in Endpoint.objects.get().secret_sealed


def test_a_notification_tells_the_person_and_not_the_test_jobs(tenant: Tenant) -> None:
    from tests.factories.jobs import fail_job

    live = make_job(tenant)
    test = tenant.test_api.convert().json["id"]
    fail_job(tenant, live)
    fail_job(tenant, test)

    relay()

    items = tenant.owner.get("notifications/").json["items"]
    assert [(item["kind"], item["subject_id"]) for item in items] == [("job.failed", live)]
    assert tenant.owner.get("notifications/unread-count/").json == {"count": 1}
    assert tenant.owner.post(f"notifications/{items[0]['id']}/read/").json["read_at"]
    assert tenant.owner.get("notifications/unread-count/").json == {"count": 0}
