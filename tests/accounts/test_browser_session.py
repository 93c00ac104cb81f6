"""The dashboard's login: cookies, CSRF, the same check as for tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.accounts.test_second_factor import code_of
from tests.client import Api
from tests.factories.tenants import Tenant, make_tenant

V1 = "/api/v1"


def browser() -> Client:
    return Client(raise_request_exception=False, enforce_csrf_checks=True, SERVER_NAME="localhost")


def log_in(client: Client, tenant: Tenant, **more: str) -> Any:
    body = {"username": tenant.username, "password": tenant.password, **more}
    return client.post(f"{V1}/auth/session/", body, content_type="application/json")


def post(client: Client, path: str, token: str | None = None, **more: Any) -> Any:
    headers = {"X-CSRFToken": token} if token else {}
    return client.post(f"{V1}/{path}", {}, content_type="application/json", headers=headers, **more)


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


def test_a_cookie_opens_what_a_token_opens(tenant: Tenant) -> None:
    client = browser()

    entered = log_in(client, tenant)
    jobs = client.get(f"{V1}/conversions/jobs/")

    assert entered.status_code == 200
    assert entered.json()["tenants"][0]["slug"] == tenant.slug
    assert entered.json()["user"] == tenant.owner.get("auth/me/").json
    assert jobs.status_code == 200
    assert client.get(f"{V1}/auth/session/").json()["user"]["id"] == tenant.user_id


def test_the_cookies_have_their_flags(tenant: Tenant) -> None:
    client = browser()

    cookies = log_in(client, tenant).cookies

    assert cookies["sessionid"]["httponly"] is True
    assert not cookies["csrftoken"]["httponly"]
    assert {cookie["samesite"] for cookie in cookies.values()} == {"Lax"}


def test_unsafe_calls_by_cookie_need_the_csrf_token(tenant: Tenant) -> None:
    client = browser()
    token = log_in(client, tenant).json()["csrf_token"]

    without = post(client, "auth/ws-ticket/")
    wrong = post(client, "auth/ws-ticket/", token[:-4] + "aaaa")
    foreign = post(client, "auth/ws-ticket/", token, HTTP_ORIGIN="https://evil.example")
    right = post(client, "auth/ws-ticket/", token)
    by_cookie = post(client, "auth/ws-ticket/", client.cookies["csrftoken"].value)

    assert [r.json()["code"] for r in (without, wrong, foreign)] == ["csrf_failed"] * 3
    assert without.status_code == 403
    assert without["Content-Type"] == "application/problem+json"
    assert (right.status_code, by_cookie.status_code) == (201, 201)


def test_a_large_form_is_not_read_to_find_the_csrf_token(tenant: Tenant) -> None:
    client = browser()
    token = log_in(client, tenant).json()["csrf_token"]
    form = {"output_format": "webp", "csrfmiddlewaretoken": token}

    reply = client.post(f"{V1}/conversions/convert/", form)

    assert reply.json()["code"] == "csrf_failed"


def test_the_cookie_dies_with_logging_out(tenant: Tenant) -> None:
    client = browser()
    token = log_in(client, tenant).json()["csrf_token"]
    stolen = client.cookies["sessionid"].value

    left = client.delete(f"{V1}/auth/session/", headers={"X-CSRFToken": token})
    client.cookies["sessionid"] = stolen

    assert left.status_code == 204
    assert client.get(f"{V1}/auth/session/").json()["code"] == "authentication_required"


def test_logging_in_gives_a_new_cookie(tenant: Tenant) -> None:
    client = browser()
    log_in(client, tenant)
    first = client.cookies["sessionid"].value

    log_in(client, tenant)

    assert client.cookies["sessionid"].value != first


def test_ending_the_login_elsewhere_ends_the_cookie(tenant: Tenant) -> None:
    client = browser()
    log_in(client, tenant)
    rows = tenant.owner.get("auth/sessions/").json["items"]
    mine = next(row["id"] for row in rows if row["kind"] == "browser")

    tenant.owner.delete(f"auth/sessions/{mine}/")

    assert client.get(f"{V1}/auth/session/").status_code == 401


def test_a_changed_password_ends_the_cookie(tenant: Tenant) -> None:
    client = browser()
    log_in(client, tenant)
    body = {"current_password": tenant.password, "password": "quite-Another-phrase-91"}

    tenant.owner.post("auth/password/change/", body)

    assert client.get(f"{V1}/auth/session/").status_code == 401


def test_cookie_and_token_share_one_check(tenant: Tenant) -> None:
    secret = str(tenant.owner.post("auth/mfa/totp/").json["secret"])
    tenant.owner.post("auth/mfa/totp/confirm/", {"code": code_of(secret)})
    following = code_of(secret, steps=1)
    credentials = {"username": tenant.username, "password": tenant.password, "otp": following}

    without = log_in(browser(), tenant)
    entered = log_in(browser(), tenant, otp=following)
    replayed = Api().post("auth/login/", credentials)

    assert without.json()["code"] == "mfa_required"
    assert entered.status_code == 200
    assert replayed.code == "invalid_credentials"


def test_wrong_passwords_by_cookie_and_token_are_counted_together(tenant: Tenant) -> None:
    wrong = {"username": tenant.username, "password": "wrong"}

    statuses = [Api().post("auth/login/", wrong).status for _ in range(3)]
    statuses += [log_in(browser(), tenant, password="wrong").status_code for _ in range(3)]

    assert statuses == [401] * 5 + [429]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}],
)
def test_another_site_logs_nobody_in(tenant: Tenant, headers: dict[str, str]) -> None:
    body = {"username": tenant.username, "password": tenant.password}

    reply = browser().post(
        f"{V1}/auth/session/", body, content_type="application/json", headers=headers
    )

    assert (reply.status_code, reply.json()["code"]) == (403, "csrf_failed")


def test_a_cookie_opens_only_the_persons_tenants(tenant: Tenant, globex: Tenant) -> None:
    client = browser()
    log_in(client, tenant)

    named = client.get(f"{V1}/conversions/jobs/", headers={"X-Tenant": globex.slug})

    assert (named.status_code, named.json()["code"]) == (403, "permission_denied")


def test_a_ticket_for_a_socket_is_good_once(tenant: Tenant) -> None:
    from accounts.services import use_ws_ticket
    from core.errors import InvalidCredentials

    made = tenant.owner.post("auth/ws-ticket/")

    caller = use_ws_ticket(ticket=made.json["ticket"])

    assert (made.status, made.json["expires_in"]) == (201, 60)
    assert (caller.user_id, caller.schema_name) == (tenant.user_id, tenant.schema)
    for ticket in (made.json["ticket"], "made-up"):
        with pytest.raises(InvalidCredentials):
            use_ws_ticket(ticket=ticket)


def test_of_many_who_use_a_ticket_at_once_one_gets_in(tenant: Tenant) -> None:
    from accounts.services import use_ws_ticket
    from core.errors import InvalidCredentials
    from tests.threads import at_once

    ticket = tenant.owner.post("auth/ws-ticket/").json["ticket"]

    def use(_: int) -> bool:
        try:
            use_ws_ticket(ticket=ticket)
        except InvalidCredentials:
            return False
        return True

    assert sum(at_once(16, use)) == 1
