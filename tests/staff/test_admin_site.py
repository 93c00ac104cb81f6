"""The admin site: nobody in without password and code; rows to look at; verbs as actions."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django_otp.oath import totp

from accounts.services import put_second_factor, put_verified_user
from tests.factories.tenants import Tenant, make_tenant


@dataclass(frozen=True)
class Colleague:
    """A member of staff who has not logged in."""

    name: str
    password: str
    secret: str

    def code(self) -> str:
        """What the app shows."""
        key = base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))
        return f"{totp(key):06d}"


def make_colleague(*, is_staff: bool = True) -> Colleague:
    name, password = f"c{secrets.token_hex(6)}", secrets.token_urlsafe(14)
    email = f"{name}@example.com"
    user_id = put_verified_user(username=name, email=email, password=password, is_staff=is_staff)
    return Colleague(name, password, put_second_factor(user_id=user_id))


def browser() -> Client:
    return Client(SERVER_NAME="localhost", enforce_csrf_checks=False)


def log_in(client: Client, who: Colleague, *, code: str | None, password: str = "") -> Any:
    fields = {"username": who.name, "password": password or who.password, "otp_token": code or ""}
    return client.post("/admin/login/?next=/admin/", {**fields, "next": "/admin/"})


@pytest.fixture
def inside(product: object) -> Client:
    """A browser that is logged in."""
    client, who = browser(), make_colleague()
    assert log_in(client, who, code=who.code()).status_code == 302
    return client


def test_without_a_login_every_page_leads_to_it() -> None:
    reply = browser().get("/admin/tenants/tenant/")

    assert reply.status_code == 302
    assert reply["Location"].startswith("/admin/login/")
    page = browser().get("/admin/login/").content.decode()
    assert 'name="otp_token"' in page


def test_password_and_code_and_staff_are_all_needed() -> None:
    who, customer = make_colleague(), make_colleague(is_staff=False)
    client = browser()

    tries = [
        log_in(client, who, code=None),
        log_in(client, who, code="000000"),
        log_in(client, who, code=who.code(), password="wrong"),
        log_in(client, customer, code=customer.code()),
    ]

    assert [reply.status_code for reply in tries] == [200] * 4
    assert all("errornote" in reply.content.decode() for reply in tries)
    assert client.get("/admin/").status_code == 302


def test_a_code_is_good_once_here_too() -> None:
    who = make_colleague()
    code = who.code()

    first = log_in(browser(), who, code=code)
    second = log_in(browser(), who, code=code)

    assert (first.status_code, second.status_code) == (302, 200)


def test_guessing_is_throttled_with_the_api_s_counters() -> None:
    who, client = make_colleague(), browser()

    pages = [log_in(client, who, code=None, password="wrong").content.decode() for _ in range(7)]

    assert "Too many failed logins" in pages[-1]
    assert "Too many failed logins" not in pages[0]


def test_a_forged_form_is_refused() -> None:
    who = make_colleague()
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)

    assert log_in(client, who, code=who.code()).status_code == 403


@pytest.mark.parametrize(
    "place",
    [
        *("", "tenants/tenant/", "accounts/user/", "billing/plan/", "billing/subscription/"),
        *("staff/mailing/", "auth/group/"),
    ],
)
def test_every_list_shows(inside: Client, place: str) -> None:
    reply = inside.get(f"/admin/{place}")

    assert reply.status_code == 200
    assert b"<script>" not in reply.content  # nothing that the content policy would refuse


def test_a_tenant_is_shown_with_its_jobs_and_not_changed(inside: Client) -> None:
    tenant = make_tenant()
    tenant.api.convert()

    page = inside.get(f"/admin/tenants/tenant/{tenant.id}/change/")
    changed = inside.post(f"/admin/tenants/tenant/{tenant.id}/change/", {"name": "Other"})
    deleted = inside.post(f"/admin/tenants/tenant/{tenant.id}/delete/", {"post": "yes"})

    assert b"pending: 1" in page.content
    assert (changed.status_code, deleted.status_code) == (403, 403)


def test_suspending_by_the_action_goes_through_the_verb(inside: Client, acme: Tenant) -> None:
    tenant = make_tenant()
    tenant.api.get("conversions/jobs/")

    def act(name: str) -> None:
        data = {"action": name, "_selected_action": [tenant.id]}
        assert inside.post("/admin/tenants/tenant/", data).status_code == 302

    act("suspend")
    closed = tenant.api.get("conversions/jobs/").code
    act("resume")

    assert (closed, tenant.api.get("conversions/jobs/").status) == ("tenant_suspended", 200)
    assert acme.api.get("conversions/jobs/").status == 200


def test_a_request_elsewhere_has_no_session(acme: Tenant) -> None:
    client = browser()
    client.get("/api/v1/conversions/jobs/", headers={"Authorization": f"Api-Key {acme.key}"})

    assert client.cookies == {}
