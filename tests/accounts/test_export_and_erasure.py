"""What is held about a person: taken away, and forgotten."""

from __future__ import annotations

import io
import json
import zipfile
from urllib.parse import urlsplit

import pytest

from tests.accounts.people import PASSWORD, Person, new_person, verified_person
from tests.accounts.test_profile import picture, put_picture
from tests.client import Api, Reply
from tests.factories.mails import mailed_token, mails_to
from tests.factories.tenants import Tenant, make_member, make_tenant
from tests.product import Product


def make_exports() -> None:
    """What a worker does."""
    from accounts.services import make_export
    from core.tenancy import in_public
    from dispatch.models import Ticket

    with in_public():
        for ticket in Ticket.objects.filter(
            task="accounts.make_export", state__in=["waiting", "sent"]
        ):
            make_export(ticket_id=ticket.pk)


def fetched(reply: Reply) -> zipfile.ZipFile:
    parts = urlsplit(reply.json["download_url"])
    answer = Api().get(f"{parts.path}?{parts.query}")
    assert answer.status == 200, answer.body
    return zipfile.ZipFile(io.BytesIO(answer.body))


@pytest.fixture
def person(product: Product) -> Person:
    return verified_person(product, full_name="Ada Lovelace", tenant_name="Analytical")


def alone(person: Person) -> None:
    """Take the person's tenants away, as its deletion does."""
    from tenants.models import Membership

    Membership.objects.filter(user_id=person.id).delete()


def test_an_export_is_made_and_fetched(person: Person, product: Product) -> None:
    me = person.api()
    put_picture(me, picture())

    asked, polled = me.get("auth/me/export/"), me.get("auth/me/export/")
    make_exports()
    ready = me.get("auth/me/export/")

    assert (asked.status, asked.json["status"], asked.json["download_url"]) == (
        202,
        "pending",
        None,
    )
    assert polled.json["id"] == asked.json["id"] == ready.json["id"]
    assert (ready.status, ready.json["status"]) == (200, "ready")
    archive = fetched(ready)
    account = json.loads(archive.read("account.json"))
    tenants = json.loads(archive.read("tenants.json"))
    assert account["profile"]["email"] == person.email
    assert account["sessions"]
    assert tenants["memberships"][0]["tenant__name"] == "Analytical"
    assert archive.read("avatar.webp")[:4] == b"RIFF"
    assert json.loads(archive.read("activity.json")) is not None


def test_an_export_holds_no_secret(person: Person) -> None:
    from accounts.models import User

    me = person.api()
    me.get("auth/me/export/")
    make_exports()

    archive = fetched(me.get("auth/me/export/"))

    text = b"".join(archive.read(name) for name in archive.namelist())
    assert User.objects.get(pk=person.id).password.encode() not in text
    assert b"argon2" not in text


def test_the_mail_has_the_link(person: Person, product: Product) -> None:
    person.api().get("auth/me/export/")
    make_exports()

    token = mailed_token(product, person.email)

    assert Api().get(f"auth/me/export/download/?token={token}").status == 200
    assert mails_to(product, person.email)[0]["Subject"] == "Your Filemill data is ready"


def test_an_export_belongs_to_its_person(person: Person, acme: Tenant) -> None:
    mine = person.api().get("auth/me/export/").json["id"]

    theirs = acme.owner.get("auth/me/export/").json["id"]

    assert mine != theirs
    assert Api().get("auth/me/export/download/?token=made-up").code == "validation_error"
    assert acme.api.get("auth/me/export/").code == "permission_denied"


def test_an_export_ends_with_its_time(person: Person, product: Product) -> None:
    from datetime import timedelta

    from accounts.models import DataExport
    from accounts.services import tidy

    me = person.api()
    me.get("auth/me/export/")
    make_exports()
    ready = me.get("auth/me/export/").json
    row = DataExport.objects.get(pk=ready["id"])
    assert row.expires_at
    DataExport.objects.filter(pk=row.pk).update(expires_at=row.expires_at - timedelta(days=8))

    tidy()

    parts = urlsplit(ready["download_url"])
    assert Api().get(f"{parts.path}?{parts.query}").code == "expired"
    assert not list(product.storage.glob(f"_exports/{person.id}/*"))


def test_the_only_owner_of_a_tenant_stays(person: Person) -> None:
    me = person.api()
    slug = person.log_in().json["tenants"][0]["slug"]

    reply = me.delete("auth/me/", {"password": PASSWORD})

    assert (reply.status, reply.code) == (409, "conflict")
    assert reply.json["tenants"] == [slug]
    assert slug in reply.json["detail"]
    assert me.get("auth/me/").status == 200


def test_the_last_owner_of_a_shared_tenant_stays_and_a_second_owner_frees_the_first() -> None:
    from tenants.models import Membership

    tenant = make_tenant()
    second = new_person()
    own = Membership.objects.get(tenant_id=tenant.id, user_id=tenant.user_id)

    refused = tenant.owner.delete("auth/me/", {"password": tenant.password})
    Membership.objects.create(tenant_id=tenant.id, user_id=second.id, role=own.role)
    erased = tenant.owner.delete("auth/me/", {"password": tenant.password})

    assert (refused.code, erased.status) == ("conflict", 204)


def test_erasing_needs_the_password(person: Person) -> None:
    alone(person)
    me = person.api()

    wrong = me.delete("auth/me/", {"password": "not-the-password"})
    missing = me.delete("auth/me/")

    assert wrong.code == "invalid_credentials"
    assert missing.status in (400, 422)
    assert me.get("auth/me/").status == 200


def test_nothing_personal_is_left(person: Person, product: Product) -> None:
    from accounts.models import MailOrder, RefreshSession, User

    me = person.api()
    shown = put_picture(me, picture()).json["avatar"]["64"]
    me.get("auth/me/export/")
    make_exports()
    alone(person)

    erased = me.delete("auth/me/", {"password": PASSWORD})

    assert erased.status == 204
    assert me.get("auth/me/").status == 401
    assert person.log_in().code == "invalid_credentials"
    row = User.objects.get(pk=person.id)  # the pseudonym that the audit trail names
    told = f"{row.username} {row.email} {row.full_name} {row.pending_email} {row.avatar}"
    assert person.email not in told
    assert person.username not in told
    assert "Ada" not in told
    assert not row.has_usable_password()
    assert not RefreshSession.objects.filter(user_id=person.id, revoked_at__isnull=True).exists()
    assert not MailOrder.objects.filter(user_id=person.id).exists()
    assert Api().get(shown).code == "not_found"
    assert not list(product.storage.glob(f"_exports/{person.id}/*"))
    assert mails_to(product, person.email)[0]["Subject"] == "Your Filemill account was erased"


def test_an_erased_address_registers_anew(person: Person, product: Product) -> None:
    alone(person)
    person.api().delete("auth/me/", {"password": PASSWORD})

    again = verified_person(product, email=person.email)

    assert again.id != person.id
    assert again.api().get("auth/me/").json["email_verified"] is True


def test_the_erased_leave_their_teams_by_an_event_without_their_name() -> None:
    from core.outbox.models import OutboxEvent

    tenant = make_tenant()
    second = make_member(tenant, "owner")

    erased = tenant.owner.delete("auth/me/", {"password": tenant.password})

    assert erased.status == 204
    told = OutboxEvent.objects.get(schema_name=tenant.schema, type="member.removed").payload
    assert (told["user_id"], told["email"], told["full_name"]) == (tenant.user_id, None, "")
    trail = second.api.get("tenant/audit-log/?action=member.removed").json["items"]
    assert [entry["target"] for entry in trail] == [told["id"]]


def test_own_activity_is_shown_and_others_is_not(person: Person, acme: Tenant) -> None:
    from audit.services import SPOOL

    me = person.api()
    me.patch("auth/me/", {"full_name": "Ada King"})
    acme.owner.get("auth/me/")
    SPOOL.drain()

    rows = me.get("auth/me/activity/").json["items"]

    assert {"login", "update"} <= {row["action"] for row in rows}
    assert {row["actor"] for row in rows} == {person.id}
    assert acme.api.get("auth/me/activity/").code == "permission_denied"
