"""A key was seen where it should not be: end it, and tell its owners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.core.mail import send_mail
from django.db import transaction

import dispatch.services as dispatch
from core.env import env
from core.tenancy import in_public, in_tenant
from tenants.models import ApiKey, FilemillKeyGenerator, Membership
from tenants.services.keep_keys import revoke
from tenants.terms import KEY_PATTERN, RoleName, checksum

LEAK_NOTICE = "tenants.send_leak_notice"  # Celery task; the ticket's ref is the key's id


@dataclass(frozen=True)
class Leak:
    """A text that looks like a key, and where it was seen."""

    token: str
    url: str = ""
    source: str = ""


def report_leaks(*, leaks: Sequence[Leak]) -> list[bool]:
    """Revoke every real key among them; whether each was one. Idempotent."""
    return [report_leak(leak) for leak in leaks]


def report_leak(leak: Leak) -> bool:
    """The whole text is the proof: whoever has it could use the key."""
    text = leak.token.strip()
    match = KEY_PATTERN.match(text)
    if match is None or checksum(text[:-6]) != match[3]:
        return False
    with in_public(), transaction.atomic():
        rows = ApiKey.objects.select_for_update(of=("self",)).select_related("tenant")
        key = rows.filter(prefix=match[1]).first()
        if key is None or not FilemillKeyGenerator().verify(text, key.hashed_key):
            return False
        if not key.revoked:
            with in_tenant(key.tenant.schema_name):
                revoke(key, reason="leaked", url=leak.url[:500], source=leak.source[:100])
            dispatch.submit(task=LEAK_NOTICE, ref=key.id, queue="io", priority=5)
    return True


def send_leak_notice(*, ticket_id: str) -> None:
    """Tell the owners and the key's maker by mail; at least once."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    key = ApiKey.objects.select_related("tenant", "created_by").filter(pk=lease.ref).first()
    if key is not None:
        owners = Membership.objects.filter(tenant=key.tenant, role__name=RoleName.OWNER)
        people = set(owners.values_list("user__email", flat=True))
        people |= {key.created_by.email} if key.created_by else set()
        for address in sorted(people):
            send_mail(f"An API key of {key.tenant.name} was revoked", notice(key), None, [address])
    with transaction.atomic():
        dispatch.close(lease)


def notice(key: ApiKey) -> str:
    """What happened, and what to do."""
    return (
        f"Hello,\n\nthe key “{key.name}” ({key.prefix}…) of {key.tenant.name} was reported to us: "
        "somebody found its text in public. We have revoked it, so calls with it are refused.\n\n"
        "Make a new key, put it where the old one was used, and look at what the old one did:\n"
        f"{env().site.public_url}/api/v1/auth/api-keys/{key.id}/usage/\n"
    )
