"""`manage.py seed_demo`: two tenants with keys, written to demo.json. Run again, it changes nothing."""

from __future__ import annotations

import argparse
import json
import secrets
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import User
from billing import services as billing
from core.crypto import seal, unseal
from core.env import env
from core.tenancy import in_public, in_tenant
from tenants.models import Tenant
from tenants.services import create_api_key, create_tenant

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


def demo_user(username: str, *, is_staff: bool = False) -> tuple[User, str]:
    """A verified person with a random password."""
    password = secrets.token_urlsafe(15)
    user, _ = User.objects.get_or_create(
        username=username, defaults={"email": f"{username}@example.com"}
    )
    user.email_verified_at, user.is_staff, user.is_superuser = timezone.now(), is_staff, is_staff
    user.set_password(password)
    user.save()
    return user, password


def demo_tenant(slug: str, name: str, plan: str) -> dict[str, Any]:
    """One tenant with an owner, a live and a test key."""
    known = remembered().get(slug)
    if known and Tenant.objects.filter(slug=slug).exists():
        return dict(known)
    user, password = demo_user(f"{slug}-owner")
    tenant = Tenant.objects.filter(slug=slug).first() or create_tenant(
        name=name, owner_id=user.id, slug=slug
    )
    with in_public():
        billing.change_plan(tenant_id=tenant.id, plan_code=plan)
    with in_tenant(tenant.schema_name):
        _, live = create_api_key(tenant_id=tenant.id, user_id=user.id, name="Demo")
        _, test = create_api_key(tenant_id=tenant.id, user_id=user.id, name="Demo test",
                                 is_test=True)
    return remember(slug, {
        "slug": slug, "plan": plan, "api_key": live, "test_api_key": test,
        "owner": {"username": user.username, "password": password},
    })


def demo_staff() -> dict[str, Any]:
    """A member of the platform's staff. The second factor joins with the accounts' wave."""
    known = remembered().get("staff")
    if known and User.objects.filter(username=known["username"]).exists():
        return dict(known)
    user, password = demo_user("staff", is_staff=True)
    return remember("staff", {"username": user.username, "password": password,
                              "totp_secret": None})
