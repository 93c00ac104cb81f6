"""The second factor: asked for, proven once, recoverable."""

from __future__ import annotations

import base64

import pytest
from django_otp.oath import totp

from tests.client import Api, Reply
from tests.factories.tenants import Tenant, make_tenant


def code_of(secret: str, steps: int = 0) -> str:
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return f"{totp(key, t0=-int(30 * steps)):06d}"


def log_in(tenant: Tenant, otp: str | None = None) -> Reply:
    body = {"username": tenant.username, "password": tenant.password}
    return Api().post("auth/login/", body | ({"otp": otp} if otp else {}))


@pytest.fixture
def tenant() -> Tenant:
    return make_tenant()


@pytest.fixture
def secret(tenant: Tenant) -> str:
    return str(tenant.owner.post("auth/mfa/totp/").json["secret"])


def confirmed(tenant: Tenant, secret: str) -> list[str]:
    reply = tenant.owner.post("auth/mfa/totp/confirm/", {"code": code_of(secret)})
    assert reply.status == 200
    return list(reply.json["recovery_codes"])


def test_an_offered_secret_is_not_in_force_before_it_is_confirmed(
    tenant: Tenant, secret: str
) -> None:
    wrong = tenant.owner.post("auth/mfa/totp/confirm/", {"code": "000000"})

    assert log_in(tenant).status == 200
    assert wrong.code == "validation_error"


def test_the_offer_has_what_an_app_reads(tenant: Tenant) -> None:
    offer = tenant.owner.post("auth/mfa/totp/").json

    assert offer["otpauth_url"].startswith("otpauth://totp/Filemill")
    assert offer["qr_svg"].startswith("<svg")


def test_login_asks_for_the_code_and_takes_each_once(tenant: Tenant, secret: str) -> None:
    owner = tenant.owner
    confirmed(tenant, secret)

    without = log_in(tenant)
    following = code_of(secret, steps=1)
    first, again = log_in(tenant, following), log_in(tenant, following)

    assert owner.get("auth/me/").status == 200
    assert (without.status, without.code) == (401, "mfa_required")
    assert (first.status, again.status) == (200, 401)


def test_a_wrong_password_says_nothing_of_the_second_factor(tenant: Tenant, secret: str) -> None:
    confirmed(tenant, secret)

    reply = Api().post("auth/login/", {"username": tenant.username, "password": "wrong"})

    assert reply.code == "invalid_credentials"


def test_a_recovery_code_is_good_once(tenant: Tenant, secret: str) -> None:
    codes = confirmed(tenant, secret)

    first, again = log_in(tenant, codes[0]), log_in(tenant, codes[0])

    assert len(codes) == len(set(codes)) == 10
    assert (first.status, again.status) == (200, 401)


def test_new_recovery_codes_replace_the_old(tenant: Tenant, secret: str) -> None:
    owner = tenant.owner
    old = confirmed(tenant, secret)

    new = owner.post("auth/mfa/recovery-codes/").json["recovery_codes"]

    assert log_in(tenant, old[0]).status == 401
    assert log_in(tenant, new[0]).status == 200


def test_a_second_secret_needs_the_first_to_go(tenant: Tenant, secret: str) -> None:
    owner = tenant.owner
    confirmed(tenant, secret)

    refused = owner.post("auth/mfa/totp/")
    owner.delete("auth/mfa/totp/")

    assert refused.code == "conflict"
    assert log_in(tenant).status == 200


def test_a_key_changes_no_second_factor(tenant: Tenant) -> None:
    assert tenant.api.post("auth/mfa/totp/").code == "permission_denied"


def test_only_hashes_of_recovery_codes_are_stored(tenant: Tenant, secret: str) -> None:
    from accounts.models import RecoveryCode

    codes = confirmed(tenant, secret)

    stored = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert stored.isdisjoint(codes)
