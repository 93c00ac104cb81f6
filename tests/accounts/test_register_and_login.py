"""Register, verify, log in, refresh, log out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from core.env import env
from tests.client import Api
from tests.factories.mails import mailed_token, mails_to, post_mails
from tests.factories.tenants import Tenant
from tests.product import Product
from tests.threads import at_once

PASSWORD = "a-long-Password-77"


def register(visitor: Api, **changes: str) -> tuple[dict[str, str], str]:
    body = {"email": f"{secrets.token_hex(6)}@example.com", "password": PASSWORD, **changes}
    reply = visitor.post("auth/register/", body)
    assert reply.status == 201, reply.body
    return body, reply.json["id"]


def test_registering_makes_a_person_a_tenant_and_orders_a_mail(
    visitor: Api, product: Product
) -> None:
    body = {"email": "New.Person@example.com", "password": PASSWORD, "tenant_name": "Ünïted & Co"}

    reply = visitor.post("auth/register/", body)

    assert reply.status == 201
    assert reply.json["email_verified"] is False
    assert reply.json["tenants"][0]["slug"].startswith("united-co")
    assert reply.json["tenants"][0]["plan"] == "free"
    assert mailed_token(product, "New.Person@example.com")
    assert PASSWORD.encode() not in reply.body


@pytest.mark.parametrize("password", ["short", "12345678901234", "password1234", "qwertyuiop"])
def test_a_weak_password_is_refused(visitor: Api, password: str) -> None:
    body = {"email": f"{secrets.token_hex(6)}@example.com", "password": password}

    reply = visitor.post("auth/register/", body)

    assert (reply.status, reply.code) == (422, "validation_error")
    assert reply.json["errors"][0]["field"] == "password"


def test_a_bad_address_is_refused(visitor: Api) -> None:
    reply = visitor.post("auth/register/", {"email": "nobody at home", "password": PASSWORD})

    assert (reply.status, reply.code) == (422, "validation_error")


def test_the_mailed_token_verifies_the_address_and_a_key_can_be_made(
    visitor: Api, product: Product
) -> None:
    body, _ = register(visitor)
    login = {"username": body["email"], "password": PASSWORD}
    me = Api(f"Bearer {visitor.post('auth/login/', login).json['access']}")

    early = me.post("auth/api-keys/generate/", {"name": "early"})
    verified = visitor.post("auth/verify-email/", {"token": mailed_token(product, body["email"])})
    key = me.post("auth/api-keys/generate/", {"name": "first"})

    assert (early.status, early.code) == (403, "email_not_verified")
    assert verified.json["email_verified"] is True
    assert key.status == 201
    assert me.get("auth/me/").json["email"] == body["email"]


def test_a_mail_goes_out_once_for_a_ticket_sent_twice(visitor: Api, product: Product) -> None:
    body, _ = register(visitor)

    tickets = post_mails()
    post_mails(tickets)

    assert len(mails_to(product, body["email"])) == 1


@pytest.mark.parametrize("token", ["", "nonsense", "a:b:c"])
def test_a_made_up_mail_token_verifies_nothing(visitor: Api, token: str) -> None:
    reply = visitor.post("auth/verify-email/", {"token": token})

    assert (reply.status, reply.code) == (422, "validation_error")


def test_login_takes_the_user_name_and_the_address(visitor: Api) -> None:
    username = f"user{secrets.token_hex(4)}"
    body, _ = register(visitor, username=username)

    by_name = visitor.post("auth/login/", {"username": username.upper(), "password": PASSWORD})
    by_mail = visitor.post("auth/login/", {"username": body["email"], "password": PASSWORD})

    assert (by_name.status, by_mail.status) == (200, 200)
    assert by_name.json["token_type"] == "Bearer"
    assert by_name.json["tenants"] == by_mail.json["tenants"]


@pytest.mark.parametrize("who", ["owner", "nobody"])
def test_a_wrong_password_and_an_unknown_person_answer_alike(
    visitor: Api, acme: Tenant, who: str
) -> None:
    username = acme.username if who == "owner" else "nobody-at-all"

    reply = visitor.post("auth/login/", {"username": username, "password": "wrong-password-1"})

    assert (reply.status, reply.code) == (401, "invalid_credentials")
    assert reply.json["detail"] == "User name or password is wrong."


def test_refresh_rotates_and_a_reused_token_ends_the_session(visitor: Api, acme: Tenant) -> None:
    login = {"username": acme.username, "password": acme.password}
    first = visitor.post("auth/login/", login).json

    second = visitor.post("auth/refresh/", {"refresh": first["refresh"]})
    reused = visitor.post("auth/refresh/", {"refresh": first["refresh"]})
    third = visitor.post("auth/refresh/", {"refresh": second.json["refresh"]})

    assert second.status == 200
    assert (reused.status, reused.code) == (401, "token_expired")
    assert third.code == "token_expired"
    assert Api(f"Bearer {second.json['access']}").get("auth/me/").code == "token_expired"


def test_of_many_who_refresh_with_one_token_at_once_one_gets_a_pair(
    visitor: Api, acme: Tenant
) -> None:
    login = {"username": acme.username, "password": acme.password}
    pairs = [visitor.post("auth/login/", login).json["refresh"] for _ in range(6)]

    replies = at_once(48, lambda n: Api().post("auth/refresh/", {"refresh": pairs[n // 8]}))

    won = [n // 8 for n, reply in enumerate(replies) if reply.status == 200]
    assert len(won) == len(set(won)), won


def test_a_session_ends_with_logout(visitor: Api, acme: Tenant) -> None:
    login = {"username": acme.username, "password": acme.password}
    pair = visitor.post("auth/login/", login).json

    left = visitor.post("auth/logout/", {"refresh": pair["refresh"]})

    assert left.status == 204
    assert visitor.post("auth/refresh/", {"refresh": pair["refresh"]}).code == "token_expired"
    assert Api(f"Bearer {pair['access']}").get("auth/me/").code == "token_expired"


def test_an_access_token_does_not_refresh_and_a_refresh_token_does_not_open(
    visitor: Api, acme: Tenant
) -> None:
    login = {"username": acme.username, "password": acme.password}
    pair = visitor.post("auth/login/", login).json

    assert visitor.post("auth/refresh/", {"refresh": pair["access"]}).code == "invalid_credentials"
    assert Api(f"Bearer {pair['refresh']}").get("auth/me/").code == "invalid_credentials"


def test_a_token_opens_only_tenants_of_its_person(acme: Tenant, globex: Tenant) -> None:
    stranger = Api(acme.owner.authorization, globex.slug)
    nowhere = Api(acme.owner.authorization, "no-such-tenant")

    assert (stranger.get("conversions/jobs/").status, stranger.get("conversions/jobs/").code) == (
        403,
        "permission_denied",
    )
    assert nowhere.get("conversions/jobs/").code == "permission_denied"
    assert acme.owner.get("conversions/jobs/").status == 200
    assert globex.owner.get("conversions/jobs/").status == 200


def test_the_host_names_the_tenant(acme: Tenant, globex: Tenant) -> None:
    token = acme.owner.authorization

    assert Api(token, host="acme.localhost").get("billing/subscription/").status == 200
    assert Api(token, host="globex.localhost").get("billing/subscription/").code == (
        "permission_denied"
    )
    assert Api(token, globex.slug, "acme.localhost").get("billing/subscription/").status == 403


def test_a_key_names_its_own_tenant_whatever_the_host(acme: Tenant, globex: Tenant) -> None:
    reply = Api(f"Api-Key {globex.key}", acme.slug, "acme.localhost").get("conversions/quota/")

    assert reply.json["plan"] == "basic"


def forged(acme: Tenant, secret: str, **claims: object) -> Api:
    now = datetime.now(UTC)
    body = {"typ": "access", "sub": acme.user_id, "tenant": acme.slug, "iss": "filemill"}
    token = jwt.encode({**body, "exp": now + timedelta(hours=1), **claims}, secret, "HS256")
    return Api(f"Bearer {token}")


def test_tampered_and_expired_tokens_are_refused(acme: Tenant) -> None:
    secret = env().site.secret_key.get_secret_value()
    past = datetime.now(UTC) - timedelta(minutes=1)
    tampered = Api(acme.owner.authorization[:-3] + "abc")
    unsigned = jwt.encode({"sub": acme.user_id, "typ": "access"}, "", "none")

    assert tampered.get("auth/me/").code == "invalid_credentials"
    assert Api(f"Bearer {unsigned}").get("auth/me/").code == "invalid_credentials"
    assert forged(acme, "x" * 40).get("auth/me/").code == "invalid_credentials"
    assert forged(acme, secret, exp=past).get("auth/me/").code == "token_expired"
    assert forged(acme, secret, iss="somebody").get("auth/me/").code == "invalid_credentials"
    assert forged(acme, secret, sid="ses_none").get("auth/me/").code == "token_expired"


@pytest.mark.parametrize("header", ["Basic YTpi", "Token abc", "Bearer", "Api-Key", "nonsense"])
def test_other_credentials_are_refused(header: str) -> None:
    reply = Api(header).get("conversions/jobs/")

    assert reply.status == 401
    assert reply.code in ("invalid_credentials", "key_invalid")
