"""The second factor: asked for, proven once, recoverable."""

from __future__ import annotations

import base64

import pytest
from django_otp.oath import totp

from tests.client import Api, Reply
from tests.factories.tenants import Tenant, make_tenant
from tests.product import Product


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


@pytest.mark.parametrize(("steps", "status"), [(-3, 401), (-1, 200), (1, 200), (3, 401)])
def test_one_step_of_drift_is_tolerated(
    tenant: Tenant, secret: str, steps: int, status: int
) -> None:
    from django_otp.plugins.otp_totp.models import TOTPDevice

    confirmed(tenant, secret)
    TOTPDevice.objects.filter(user_id=tenant.user_id).update(last_t=-1)  # as if confirmed long ago

    assert log_in(tenant, code_of(secret, steps=steps)).status == status


@pytest.mark.parametrize("code", ["\u00b2" * 6, "12345", "1234567", "١٢٣٤٥٦", "abcdef", "-12345"])
def test_odd_codes_are_wrong_codes(tenant: Tenant, secret: str, code: str) -> None:
    confirmed(tenant, secret)

    assert log_in(tenant, code).code == "invalid_credentials"


def test_the_login_that_confirmed_has_proven_it(tenant: Tenant, secret: str) -> None:
    before = Api(tenant.owner.authorization, tenant.slug)
    other = Api(f"Bearer {log_in(tenant).json['access']}", tenant.slug)
    confirmed(tenant, secret)

    assert other.delete("auth/mfa/totp/").code == "mfa_required"
    assert other.post("auth/mfa/recovery-codes/").code == "mfa_required"
    assert before.post("auth/mfa/recovery-codes/").status == 200
    assert before.delete("auth/mfa/totp/").status == 204
    assert log_in(tenant).status == 200


def test_a_tenant_that_wants_it_lets_nobody_in_without(tenant: Tenant) -> None:
    from tenants.models import Tenant as Row

    Row.objects.filter(pk=tenant.id).update(require_mfa=True)
    owner = tenant.owner

    closed = owner.get("conversions/jobs/")
    own = owner.get("auth/me/")
    secret = str(owner.post("auth/mfa/totp/").json["secret"])
    confirmed(tenant, secret)
    opened = owner.get("conversions/jobs/")
    later = log_in(tenant, code_of(secret, steps=1))
    by_code = Api(f"Bearer {later.json['access']}", tenant.slug).get("conversions/jobs/")
    refreshed = Api().post("auth/refresh/", {"refresh": later.json["refresh"]}).json["access"]

    assert (closed.status, closed.code) == (401, "mfa_required")
    assert (own.status, opened.status, by_code.status) == (200, 200, 200)
    assert Api(f"Bearer {refreshed}", tenant.slug).get("conversions/jobs/").status == 200


def test_staff_keep_their_second_factor(tenant: Tenant, secret: str) -> None:
    from accounts.models import User

    confirmed(tenant, secret)
    User.objects.filter(pk=tenant.user_id).update(is_staff=True)

    assert tenant.owner.delete("auth/mfa/totp/").code == "conflict"


def test_the_owner_is_told(tenant: Tenant, secret: str, product: Product) -> None:
    from tests.factories.mails import mails_to

    confirmed(tenant, secret)
    tenant.owner.delete("auth/mfa/totp/")

    subjects = [mail["Subject"] for mail in mails_to(product, f"{tenant.username}@example.com")]
    assert subjects[:2] == [
        "The second factor of your Filemill account was removed",
        "Your Filemill account has a second factor now",
    ]
