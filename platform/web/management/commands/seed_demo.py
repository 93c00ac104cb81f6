"""`manage.py seed_demo`: two tenants with keys, told in demo.json. A second run changes nothing."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from accounts import services as accounts
from accounts.queries import user_id_of
from billing import services as billing
from core.access import PERMISSIONS
from core.crypto import seal, unseal
from core.env import env
from core.tenancy import in_public, in_tenant
from tenants.queries import profile_by_slug
from tenants.services import KeyWish, create_api_key, create_tenant

TENANTS = (("acme", "Acme", "professional"), ("globex", "Globex", "basic"))


class Command(BaseCommand):
    """Demo tenants of API.md's demo.json."""

    help = "Make the demo tenants and write demo.json."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Facts that only the stack knows."""
        for name in ("out", "base-url", "realtime-url", "receiver-url", "receiver-log", "mail-dir"):
            parser.add_argument(f"--{name}", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing, write the file."""
        facts = {
            "base_url": options["base_url"],
            "realtime_url": options["realtime_url"],
            "tenants": [demo_tenant(*row) for row in TENANTS],
            "staff": demo_staff(),
            "stripe_api_base": None,
            "mail_dir": options["mail_dir"],
            "webhook_receiver": {"url": options["receiver_url"], "log": options["receiver_log"]},
        }
        Path(options["out"]).write_text(json.dumps(facts, indent=2))


def memory() -> Path:
    """Where the demo's own secrets are kept, sealed, so that a second run tells the same keys."""
    return env().storage.folder / "_demo.sealed"


def remembered() -> dict[str, Any]:
    """What an earlier run made."""
    if not memory().exists():
        return {}
    found: dict[str, Any] = json.loads(unseal(memory().read_text()))
    return found


def remember(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Keep one entry."""
    memory().parent.mkdir(parents=True, exist_ok=True)
    memory().write_text(seal(json.dumps(remembered() | {name: facts})))
    return facts


def demo_user(username: str, *, is_staff: bool = False) -> tuple[str, str]:
    """Id and random password of a verified person."""
    password = secrets.token_urlsafe(15)
    user_id = accounts.put_verified_user(
        username=username, email=f"{username}@example.com", password=password, is_staff=is_staff
    )
    return user_id, password


def demo_tenant(slug: str, name: str, plan: str) -> dict[str, Any]:
    """One tenant with an owner, a live and a test key."""
    known = remembered().get(slug)
    if known and profile_by_slug(slug):
        return dict(known)
    username = f"{slug}-owner"
    user_id, password = demo_user(username)
    if profile_by_slug(slug) is None:
        create_tenant(name=name, owner_id=user_id, slug=slug)
    tenant = profile_by_slug(slug)
    assert tenant is not None  # noqa: S101 - made above
    with in_public():
        billing.change_plan(tenant_id=tenant.id, plan_code=plan)
    keys = {}
    with in_tenant(tenant.schema_name):
        for field, is_test in (("api_key", False), ("test_api_key", True)):
            _, keys[field] = create_api_key(
                tenant_id=tenant.id,
                user_id=user_id,
                held=frozenset(PERMISSIONS),
                wish=KeyWish(name=f"Demo {field}", is_test=is_test),
            )
    owner = {"username": username, "password": password}
    return remember(slug, {"slug": slug, "plan": plan, **keys, "owner": owner})


def demo_staff() -> dict[str, Any]:
    """A member of the platform's staff, with the secret of their second factor."""
    known = remembered().get("staff")
    if known and known["totp_secret"] and user_id_of(known["username"]):
        return dict(known)
    user_id, password = demo_user("staff", is_staff=True)
    secret = accounts.put_second_factor(user_id=user_id)
    return remember("staff", {"username": "staff", "password": password, "totp_secret": secret})
