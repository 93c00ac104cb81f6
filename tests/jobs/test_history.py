"""The history checker sees each kind of loss and of doubling, and nothing where all is well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from billing.models import Meter, Reservation
from conversions.models import Job
from core.outbox.models import OutboxEvent
from core.outbox.services import relay
from core.tenancy import in_tenant
from dispatch.models import Ticket
from loadtests.history import Findings, check
from notifications.models import Notification
from tests.client import PNG
from tests.factories.jobs import fail_job, make_completed_job, make_job
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product
from webhooks.models import Delivery

HOOK = "http://127.0.0.1:{port}/hook"


class Past:
    """A tenant with a job in each state: completed and told, failed, canceled, pending, retried."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.product, self.tenant = product, make_tenant()
        hook = HOOK.format(port=product.hook_port)
        self.done = make_completed_job(self.tenant, folder)
        self.told = str(self.tenant.api.convert(webhook_url=hook).json["id"])
        self.failed, self.canceled, self.again = (make_job(self.tenant) for _ in range(3))
        fail_job(self.tenant, self.failed)
        fail_job(self.tenant, self.again)
        for job in (self.canceled, self.told):
            self.tenant.api.post(f"conversions/jobs/{job}/cancel/")
        self.tenant.api.post(f"conversions/jobs/{self.again}/retry/")
        files = [("files", ("a.png", PNG)), ("files", ("bad.docx", b"no document"))]
        self.tenant.api.upload("conversions/batch-convert/", files, {"output_format": "webp"})
        self.tenant.test_api.convert()
        relay()

    def found(self, *, accepted: list[str] | None = None, strays: bool = True) -> Findings:
        """What the checker says of this tenant; jobs are open here."""
        postgres = self.product.postgres
        dsn = f"host={postgres.socket_dir} dbname=filemill user=postgres"
        every = check(
            dsn,
            self.product.storage,
            settled=False,
            accepted={self.tenant.schema: accepted or []},
        )
        mine = (self.tenant.schema, self.tenant.id)
        jobs = (self.done, self.told, self.failed, self.canceled, self.again)
        words = (*mine, *jobs, "job_gone")
        every.lost = [text for text in every.lost if any(word in text for word in words)]
        every.doubled = [text for text in every.doubled if any(word in text for word in words)]
        return every


@pytest.fixture(scope="module")
def past(running_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """Made once: each test breaks one thing and puts it right again."""
    return Past(running_product, tmp_path_factory.mktemp("results"))


def rows(tenant: Tenant, change: Callable[[], object]) -> None:
    """Change rows behind the product's back."""
    with in_tenant(tenant.schema):
        change()


def test_nothing_is_wrong_with_a_good_past(past: Past) -> None:
    found = past.found(accepted=[past.done, past.told, past.failed])

    assert found.is_clean, found.told()
    assert found.told().endswith("lost=0 doubled=0")
    assert found.seen["jobs"] >= 8


def test_an_accepted_job_that_is_not_there_is_lost(past: Past) -> None:
    assert "job_gone" in past.found(accepted=["job_gone"]).lost[0]


def test_an_open_job_without_a_ticket_is_lost(past: Past) -> None:
    tickets = Ticket.objects.filter(ref=past.again, state__in=["waiting", "sent"])
    ids = list(tickets.values_list("id", flat=True))
    tickets.update(state="done")

    lost = past.found().lost
    Ticket.objects.filter(id__in=ids).update(state="waiting")

    assert len(lost) == 1
    assert "nobody has a ticket" in lost[0]
    assert past.found().is_clean


def test_an_ended_job_that_would_run_again_is_doubled(past: Past) -> None:
    extra = Ticket.objects.create(
        lane_id=past.tenant.schema, task="conversions.run_job", ref=past.done, queue="convert"
    )

    doubled = past.found().doubled
    extra.delete()

    assert len(doubled) == 1
    assert "would run again" in doubled[0]


def test_a_charge_too_many_and_one_too_few_are_seen(past: Past) -> None:
    failed = Reservation.objects.filter(ref=f"{past.failed}:1")
    done = Reservation.objects.filter(ref=f"{past.done}:1")
    failed.update(state="committed")
    done.update(state="released")

    found = past.found()
    failed.update(state="released")
    done.update(state="committed")

    assert any(past.failed in text for text in found.doubled)
    assert any(past.done in text for text in found.lost)
    assert past.found().is_clean


def test_a_meter_that_is_not_the_sum_of_its_reservations_is_seen(past: Past) -> None:
    meter = Meter.objects.get(tenant_id=past.tenant.id)
    Meter.objects.filter(pk=meter.pk).update(used=meter.used + 1, reserved=meter.reserved - 1)

    found = past.found()
    Meter.objects.filter(pk=meter.pk).update(used=meter.used, reserved=meter.reserved)

    assert ["used" in text for text in found.doubled] == [True]
    assert ["reserved" in text for text in found.lost] == [True]


def test_units_held_for_nobody_are_lost(past: Past) -> None:
    meter = Meter.objects.get(tenant_id=past.tenant.id)
    held = Reservation.objects.create(meter=meter, ref="job_gone:1", units=0)

    lost = past.found().lost
    held.delete()

    assert ["job_gone:1" in text for text in lost] == [True]


def test_an_end_told_twice_and_one_never_told_are_seen(past: Past) -> None:
    event = OutboxEvent.objects.get(payload__id=past.done, type="job.completed")
    copy = OutboxEvent.objects.get(pk=event.pk)
    copy.pk, copy.id = None, "evt_copy"
    copy.save(force_insert=True)
    ended = OutboxEvent.objects.filter(payload__id=past.failed, type="job.failed")
    ended.update(type="job.else")

    found = past.found()
    copy.delete()
    OutboxEvent.objects.filter(payload__id=past.failed, type="job.else").update(type="job.failed")

    assert any("job.completed" in text and past.done in text for text in found.doubled)
    assert any("ends of" in text and past.failed in text for text in found.lost)
    assert past.found().is_clean


def test_a_delivery_and_a_notification_that_are_missing_are_lost(past: Past) -> None:
    kept: list[Delivery] = []
    notes: list[Notification] = []

    def take_away() -> None:
        event = OutboxEvent.objects.get(payload__id=past.told, type="job.canceled").id
        kept.extend(Delivery.objects.filter(event_id=event))
        Delivery.objects.filter(event_id=event).delete()
        done = OutboxEvent.objects.get(payload__id=past.done, type="job.completed").id
        notes.extend(Notification.objects.filter(event_id=done))
        Notification.objects.filter(event_id=done).delete()

    rows(past.tenant, take_away)
    lost = past.found().lost
    rows(past.tenant, lambda: Delivery.objects.bulk_create(kept))
    rows(past.tenant, lambda: Notification.objects.bulk_create(notes))

    assert len(kept) == len(notes) == 1
    assert any("no delivery" in text for text in lost)
    assert any("nobody was notified" in text for text in lost)
    assert past.found().is_clean


def test_a_pending_delivery_without_a_ticket_is_lost(past: Past) -> None:
    ticket = Ticket.objects.get(lane_id=past.tenant.schema, task="webhooks.attempt")
    Ticket.objects.filter(pk=ticket.pk).update(state="done")

    lost = past.found().lost
    Ticket.objects.filter(pk=ticket.pk).update(state=ticket.state)

    assert ["is pending and nobody" in text for text in lost] == [True]


def test_a_result_that_is_gone_is_lost_and_one_cut_short_too(past: Past) -> None:
    with in_tenant(past.tenant.schema):
        output = past.product.storage / Job.objects.get(pk=past.done).outputs[0]["key"]
    content = output.read_bytes()

    output.write_bytes(content[:3])
    cut = past.found().lost
    output.unlink()
    gone = past.found().lost
    output.write_bytes(content)

    assert ["has 3 bytes" in text for text in cut] == [True]
    assert ["is not there" in text for text in gone] == [True]
