"""Events: with the change or not at all, in order within a shard, once to each subscriber."""

from __future__ import annotations

import secrets

import pytest
from django.db import transaction

from core.outbox import services as outbox
from core.outbox.models import OutboxEvent
from core.outbox.services import Event, publish, relay
from core.tenancy import current_schema, in_tenant
from tests.factories.tenants import Tenant
from tests.threads import at_once


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Type and schema of each event that a lone subscriber to ``test.`` gets."""
    OutboxEvent.objects.filter(relayed_at__isnull=True).delete()
    seen: list[tuple[str, str]] = []

    def subscriber(event: Event) -> None:
        if event.payload.get("fails"):
            raise RuntimeError("subscriber is unwell")
        seen.append((event.type, current_schema()))

    monkeypatch.setattr(outbox, "SUBSCRIBERS", [("test.", subscriber)])
    return seen


def tell(tenant: Tenant, type: str, shard: str = "s", **payload: object) -> str:
    with in_tenant(tenant.schema):
        return publish(type=type, tenant_slug=tenant.slug, shard=shard, payload=payload)


def due_now() -> None:
    OutboxEvent.objects.filter(relayed_at__isnull=True).update(due_at="2026-01-01T00:00:00Z")


def test_an_event_dies_with_its_transaction(acme: Tenant, heard: list[tuple[str, str]]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        tell(acme, "test.undone")
        _ = 1 / 0

    relay()

    assert heard == []
    assert not OutboxEvent.objects.filter(type="test.undone").exists()


def test_a_subscriber_runs_in_the_events_schema(
    acme: Tenant, globex: Tenant, heard: list[tuple[str, str]]
) -> None:
    tell(acme, "test.one")
    tell(globex, "test.two")

    relay()

    assert heard == [("test.one", acme.schema), ("test.two", globex.schema)]
    assert current_schema() == "public"


def test_an_event_relayed_twice_is_heard_once(acme: Tenant, heard: list[tuple[str, str]]) -> None:
    tell(acme, "test.once")

    relay()
    relay()

    assert heard == [("test.once", acme.schema)]


def test_relays_at_once_hand_over_each_event_once(
    acme: Tenant, heard: list[tuple[str, str]]
) -> None:
    for number in range(30):
        tell(acme, f"test.{number:02}")

    at_once(8, lambda _: relay(), threads=8)

    assert [type for type, _ in heard] == [f"test.{number:02}" for number in range(30)]


def test_more_events_than_a_batch_are_relayed_in_order(
    acme: Tenant, heard: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 4)
    for number in range(11):
        tell(acme, f"test.{number:02}")

    relay()

    assert [type for type, _ in heard] == [f"test.{number:02}" for number in range(11)]


def test_a_failing_subscriber_blocks_its_shard_only_and_is_retried(
    acme: Tenant, heard: list[tuple[str, str]]
) -> None:
    stuck = tell(acme, "test.stuck", shard="a", fails=True)
    tell(acme, "test.behind", shard="a")
    tell(acme, "test.other", shard="b")

    relay()
    row = OutboxEvent.objects.get(pk=OutboxEvent.objects.get(id=stuck).pk)

    assert heard == [("test.other", acme.schema)]
    assert (row.attempts, row.relayed_at) == (1, None)
    assert "unwell" in row.last_error
    assert row.due_at > row.created_at


def test_after_the_retry_the_order_of_the_shard_holds(
    acme: Tenant, heard: list[tuple[str, str]]
) -> None:
    stuck = tell(acme, "test.first", shard="a", fails=True)
    tell(acme, "test.second", shard="a")
    relay()

    OutboxEvent.objects.filter(id=stuck).update(payload={})
    due_now()
    relay()

    assert [type for type, _ in heard] == ["test.first", "test.second"]


def test_nothing_overtakes_an_event_that_waits_for_its_retry(
    acme: Tenant, heard: list[tuple[str, str]]
) -> None:
    tell(acme, "test.first", shard="a", fails=True)
    tell(acme, "test.second", shard="a")

    relay()
    relay()

    assert heard == []


def test_what_a_failing_subscriber_wrote_is_undone(
    acme: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    OutboxEvent.objects.filter(relayed_at__isnull=True).delete()
    name = f"test.{secrets.token_hex(4)}"

    def writes_and_fails(event: Event) -> None:
        publish(type="test.echo", tenant_slug="", shard="e", payload={"of": event.id})
        raise RuntimeError("too late")

    monkeypatch.setattr(outbox, "SUBSCRIBERS", [(name, writes_and_fails)])
    event = tell(acme, name)

    relay()

    assert not OutboxEvent.objects.filter(type="test.echo", payload__of=event).exists()


def test_a_payload_is_frozen_when_it_happens(acme: Tenant) -> None:
    reply = acme.api.convert()
    acme.api.post(f"conversions/jobs/{reply.json['id']}/cancel/")

    created = OutboxEvent.objects.get(type="job.created", payload__id=reply.json["id"])

    assert created.payload["status"] == "pending"
    assert created.shard == f"{acme.schema}:{reply.json['id']}"


def test_everyone_is_subscribed_once_and_both_receivers_are() -> None:
    names = [subscriber.__module__ for _, subscriber in outbox.SUBSCRIBERS]

    apps = ("webhooks", "notifications", "conversions")
    assert set(names) == {f"{app}.subscribers" for app in apps}
    assert names.count("webhooks.subscribers") == 1
