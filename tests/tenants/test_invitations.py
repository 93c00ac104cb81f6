"""Invitations: by mail, in time, once; by who has an account and who has none."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from core.outbox.models import OutboxEvent
from tests.client import Api
from tests.factories.tenants import Tenant, make_member, make_person, make_tenant
from tests.product import Product
from tests.threads import at_once

PASSWORD = "a rather long phrase 71"


@pytest.fixture(scope="module")
def team(running_product: object) -> Tenant:
    """A tenant of its own."""
    return make_tenant()


def send_due(task: str, ref: str) -> None:
    """What a worker does with a mail's ticket."""
    from config.celery import app
    from dispatch.models import Ticket

    ticket = Ticket.objects.filter(task=task, ref=ref).exclude(state="done").get()
    app.tasks[task](ticket.pk)


def mails_to(product: Product, address: str) -> Iterator[str]:
    """The mails to an address, oldest first."""
    for path in sorted(product.mails.iterdir(), key=lambda p: p.stat().st_mtime_ns):
        text = path.read_text().replace("=\n", "").replace("=3D", "=")
        if address in text:
            yield text


def invited(
    product: Product, tenant: Tenant, address: str, role: str = "developer"
) -> tuple[str, str]:
    """Invitation id and the token of its mail."""
    reply = tenant.owner.post("tenant/invitations/", {"email": address, "role": role})
    assert reply.status == 201, reply.body
    send_due("tenants.send_invitation", reply.json["id"])
    mail = list(mails_to(product, address))[-1]
    tokens = re.findall(r"token=([^\s]+)", mail)
    assert len(tokens) == 1
    return str(reply.json["id"]), tokens[0]


def fresh() -> str:
    return f"guest-{secrets.token_hex(5)}@example.com"


def test_somebody_new_joins_with_a_password(product: Product, team: Tenant) -> None:
    address = fresh()
    invitation, token = invited(product, team, address)
    without = Api().post("invitations/accept/", {"token": token})

    joined = Api().post("invitations/accept/", {"token": token, "password": PASSWORD})

    assert (without.status, without.json["errors"][0]["field"]) == (422, "password")
    assert (joined.status, joined.json["role"]) == (200, "developer")
    assert joined.json["tenant"]["slug"] == team.slug
    assert joined.json["user"]["email_verified"] is True
    login = Api().post("auth/login/", {"username": address, "password": PASSWORD})
    assert Api(f"Bearer {login.json['access']}").get("tenant/").json["slug"] == team.slug
    event = OutboxEvent.objects.get(
        schema_name=team.schema, type="member.joined", payload__email=address
    )
    assert event.payload["role"] == "developer"
    statuses = {i["id"]: i["status"] for i in team.owner.get("tenant/invitations/").json["items"]}
    assert statuses[invitation] == "accepted"


def test_a_link_is_good_once_even_at_once(product: Product, team: Tenant) -> None:
    _, token = invited(product, team, fresh())
    body = {"token": token, "password": PASSWORD}

    statuses = at_once(4, lambda _: Api().post("invitations/accept/", body).status)

    assert sorted(statuses) == [200, 410, 410, 410]


def test_somebody_with_an_account_joins_logged_in_and_nobody_else(
    product: Product, team: Tenant
) -> None:
    person, stranger = make_person(), make_person()
    _, token = invited(product, team, person.email.upper())

    nobody = Api().post("invitations/accept/", {"token": token, "password": PASSWORD})
    other = stranger.api.post("invitations/accept/", {"token": token})
    by_key = team.api.post("invitations/accept/", {"token": token})
    mine = person.api.post("tenant/invitations/accept/", {"token": token})

    assert (nobody.code, other.code, by_key.code) == (
        "authentication_required",
        "permission_denied",
        "permission_denied",
    )
    assert mine.json["user"]["id"] == person.user_id
    assert Api(person.api.authorization, team.slug).get("auth/api-keys/").status == 200


def test_a_link_ends_with_its_time_and_when_it_is_revoked(product: Product, team: Tenant) -> None:
    _, late = invited(product, team, fresh())
    revoked_id, revoked = invited(product, team, fresh())
    team.owner.delete(f"tenant/invitations/{revoked_id}/")

    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        after = Api().post("invitations/accept/", {"token": late, "password": PASSWORD})

    assert (after.status, after.code) == (410, "expired")
    assert Api().post("invitations/accept/", {"token": revoked}).code == "expired"
    assert Api().post("invitations/accept/", {"token": f"{late}x"}).code == "validation_error"


def test_asking_again_makes_the_earlier_link_void(product: Product, team: Tenant) -> None:
    address = fresh()
    _, first = invited(product, team, address)
    _, second = invited(product, team, address, role="viewer")

    assert Api().post("invitations/accept/", {"token": first}).code == "expired"
    joined = Api().post("invitations/accept/", {"token": second, "password": PASSWORD})
    assert joined.json["role"] == "viewer"


def test_a_revoked_invitation_is_not_sent(product: Product, team: Tenant) -> None:
    address = fresh()
    row = team.owner.post("tenant/invitations/", {"email": address}).json
    team.owner.delete(f"tenant/invitations/{row['id']}/")

    send_due("tenants.send_invitation", row["id"])

    assert list(mails_to(product, address)) == []


def test_who_is_a_member_is_not_invited(team: Tenant) -> None:
    member = make_member(team)

    reply = team.owner.post("tenant/invitations/", {"email": member.email})

    assert (reply.status, reply.code) == (409, "conflict")


def test_who_has_no_proven_address_invites_nobody(team: Tenant) -> None:
    from accounts.models import User

    admin = make_member(team, "admin")
    User.objects.filter(pk=admin.user_id).update(email_verified_at=None)

    reply = admin.api.post("tenant/invitations/", {"email": fresh()})

    assert (reply.status, reply.code) == (403, "email_not_verified")


def test_an_invitation_holds_no_token_and_another_tenant_does_not_see_it(
    team: Tenant, globex: Tenant
) -> None:
    row = team.owner.post("tenant/invitations/", {"email": fresh()}).json

    seen = globex.owner.get("tenant/invitations/?limit=200").json["items"]

    assert "token" not in row
    assert row["id"] not in [item["id"] for item in seen]
    assert globex.owner.delete(f"tenant/invitations/{row['id']}/").code == "not_found"


def test_an_odd_address_and_an_unknown_role_are_refused(team: Tenant) -> None:
    odd = team.owner.post("tenant/invitations/", {"email": "not an address"})
    role = team.owner.post("tenant/invitations/", {"email": fresh(), "role": "emperor"})

    assert (odd.code, role.code) == ("validation_error", "not_found")


def test_the_mails_link_leads_to_a_page_that_joins(product: Product, team: Tenant) -> None:
    from django.test import Client

    address = fresh()
    _, token = invited(product, team, address)
    browser = Client(SERVER_NAME="localhost")

    shown = browser.get(f"/invitations/accept/?token={token}")
    weak = browser.post("/invitations/accept/", {"token": token, "password": "short"})
    joined = browser.post("/invitations/accept/", {"token": token, "password": PASSWORD})
    _, other = invited(product, make_tenant(), address)
    wrong = browser.post("/invitations/accept/", {"token": other, "password": "not mine at all"})
    again = browser.post("/invitations/accept/", {"token": other, "password": PASSWORD})

    assert (shown.status_code, weak.status_code, wrong.status_code) == (200, 422, 401)
    assert b"developer" in joined.content
    assert again.status_code == 200
    login = Api().post("auth/login/", {"username": address, "password": PASSWORD})
    assert len(login.json["tenants"]) == 2
