"""Tenants with an owner and keys, made by the product's own verbs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property

from tests.client import Api


@dataclass(frozen=True)
class Tenant:
    """A tenant with everything that a caller needs."""

    id: str
    slug: str
    schema: str
    user_id: str
    username: str
    password: str
    key: str
    test_key: str

    @property
    def api(self) -> Api:
        """By the live key."""
        return Api(f"Api-Key {self.key}")

    @property
    def test_api(self) -> Api:
        """By the test key."""
        return Api(f"Api-Key {self.test_key}")

    @cached_property
    def owner(self) -> Api:
        """By the owner's token."""
        credentials = {"username": self.username, "password": self.password}
        return Api(f"Bearer {Api().post('auth/login/', credentials).json['access']}", self.slug)


def make_tenant(
    *,
    slug: str = "",
    plan: str = "professional",
    conversions: int | None = None,
    requests_per_hour: int | None = None,
    scopes: list[str] | None = None,
) -> Tenant:
    """A fresh tenant; ``conversions`` and ``requests_per_hour`` override the plan."""
    from accounts.services import put_verified_user
    from billing.services import change_plan
    from core.access import PERMISSIONS
    from core.tenancy import in_tenant
    from tenants.models import Tenant as Row
    from tenants.services import KeyWish, create_api_key, create_tenant

    slug = slug or f"t{secrets.token_hex(5)}"
    username, password = f"{slug}-owner", secrets.token_urlsafe(12)
    user_id = put_verified_user(
        username=username, email=f"{username}@example.com", password=password, is_staff=False
    )
    row = create_tenant(name=slug, owner_id=user_id, slug=slug)
    change_plan(tenant_id=row.id, plan_code=plan, conversions=conversions)
    if requests_per_hour is not None:
        Row.objects.filter(pk=row.id).update(requests_per_hour=requests_per_hour)
    keys = []
    with in_tenant(row.schema_name):
        for is_test in (False, True):
            _, text = create_api_key(
                tenant_id=row.id,
                user_id=user_id,
                held=frozenset(PERMISSIONS),
                wish=KeyWish(name="made", is_test=is_test, scopes=scopes),
            )
            keys.append(text)
    return Tenant(row.id, slug, row.schema_name, user_id, username, password, *keys)


def give_role(tenant: Tenant, name: str, *, user_id: str = "") -> None:
    """Put a member (the owner, unless named) on a role, past the rules."""
    from tenants.models import Membership, Role

    role = Role.objects.get(tenant_id=tenant.id, name=name)
    Membership.objects.filter(tenant_id=tenant.id, user_id=user_id or tenant.user_id).update(
        role=role
    )


@dataclass(frozen=True)
class Member:
    """Somebody in a tenant."""

    id: str
    user_id: str
    username: str
    email: str
    api: Api  # by token, in the tenant


def make_member(tenant: Tenant, role: str = "member") -> Member:
    """A verified person with a role in the tenant, logged in."""
    from tenants.models import Membership, Role

    person = make_person()
    row = Membership.objects.create(
        tenant_id=tenant.id,
        user_id=person.user_id,
        role=Role.objects.get(tenant_id=tenant.id, name=role),
    )
    api = Api(person.api.authorization, tenant.slug)
    return Member(row.id, person.user_id, person.username, person.email, api)


def make_person(*, is_staff: bool = False) -> Member:
    """A verified person in no tenant, logged in."""
    from accounts.services import put_verified_user

    name, password = f"p{secrets.token_hex(6)}", secrets.token_urlsafe(14)
    email = f"{name}@example.com"
    user_id = put_verified_user(username=name, email=email, password=password, is_staff=is_staff)
    credentials = {"username": name, "password": password}
    token = Api().post("auth/login/", credentials).json["access"]
    return Member("", user_id, name, email, Api(f"Bearer {token}"))


def make_staff() -> Member:
    """Somebody of the platform's staff, logged in with a second factor."""
    import base64

    from django_otp.oath import totp

    from accounts.services import put_second_factor, put_verified_user

    name, password = f"s{secrets.token_hex(6)}", secrets.token_urlsafe(14)
    email = f"{name}@example.com"
    user_id = put_verified_user(username=name, email=email, password=password, is_staff=True)
    secret = put_second_factor(user_id=user_id)
    code = totp(base64.b32decode(secret + "=" * (-len(secret) % 8)))
    credentials = {"username": name, "password": password, "otp": f"{code:06d}"}
    token = Api().post("auth/login/", credentials).json["access"]
    return Member("", user_id, name, email, Api(f"Bearer {token}"))
