"""Ask somebody into a tenant by mail; accept once, in time, by whoever reads that address."""

from __future__ import annotations

import secrets
from typing import Any

from django.core import signing
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

import dispatch.services as dispatch
from accounts import services as accounts
from accounts.services.addresses import clean_address
from audit.services import record
from core.env import env
from core.errors import (
    Conflict,
    Expired,
    NotFound,
    TenantSuspended,
    invalid,
)
from core.tenancy import in_public, in_tenant
from tenants.models import Invitation, Membership
from tenants.services.keep_members import find_role, lock_team, publish_member, refuse_role
from tenants.terms import INVITATION_LIFETIME, MOST_INVITATIONS

SALT = "filemill.invitation"
SEND_INVITATION = "tenants.send_invitation"  # Celery task; the ticket's ref is id and nonce


@transaction.atomic
def invite(
    *,
    tenant_id: str,
    user_id: str | None,
    held: frozenset[str],
    role_held: str | None,
    email: str,
    named: str,
) -> Invitation:
    """An invitation, whose mail is on its way; asking an address again makes the earlier mail void.

    Raises EmailNotVerified, NotFound, PermissionDenied, Conflict for a member, ValidationFailed.
    """
    if user_id is not None:
        accounts.demand_verified(user_id=user_id)
    address = clean_address(email)
    lock_team(tenant_id)
    role = find_role(tenant_id=tenant_id, named=named)
    refuse_role(role, held=held, role_held=role_held)
    if Membership.objects.filter(tenant_id=tenant_id, user__email__iexact=address).exists():
        raise Conflict("This person is a member already.")
    waiting = Invitation.objects.filter(
        tenant_id=tenant_id, accepted_at__isnull=True, revoked_at__isnull=True
    )
    waiting.filter(email__iexact=address).update(revoked_at=timezone.now())
    if waiting.filter(expires_at__gt=timezone.now()).count() >= MOST_INVITATIONS:
        raise Conflict(f"{MOST_INVITATIONS} invitations wait already. Revoke some first.")
    row = Invitation.objects.create(
        tenant_id=tenant_id,
        email=address,
        role=role,
        invited_by_id=user_id,
        nonce=secrets.token_hex(8),
        expires_at=timezone.now() + INVITATION_LIFETIME,
    )
    with in_public():
        dispatch.submit(task=SEND_INVITATION, ref=row.id, queue="io", priority=5)
    record(action="invitation.created", target=row.id, changes={"role": [None, role.name]})
    return row


def token_of(invitation: Invitation) -> str:
    """What the mail's link carries; nothing that opens anything is stored."""
    return signing.dumps([invitation.id, invitation.nonce], salt=SALT)


def send_invitation(*, ticket_id: str) -> None:
    """Send the mail of a ticket, unless it was revoked meanwhile; at least once."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    rows = Invitation.objects.select_related("tenant", "role", "invited_by")
    row = rows.filter(pk=lease.ref, accepted_at__isnull=True, revoked_at__isnull=True).first()
    if row is not None:
        send_mail(f"You are invited to {row.tenant.name}", letter(row), None, [row.email])
    with transaction.atomic():
        dispatch.close(lease)


def letter(row: Invitation) -> str:
    """Who asks, to what, and the link."""
    who = (row.invited_by.full_name or row.invited_by.username) if row.invited_by else "The team"
    link = f"{env().site.public_url}/invitations/accept/?token={token_of(row)}"
    return (
        f"Hello,\n\n{who} invites you to {row.tenant.name} on Filemill, as {row.role.name}.\n\n"
        f"Accept by opening\n\n{link}\n\n"
        f"The link is good until {row.expires_at:%Y-%m-%d %H:%M} UTC, once. If you expected no "
        "invitation, ignore this mail.\n"
    )


@transaction.atomic
def revoke_invitation(*, tenant_id: str, invitation_id: str) -> None:
    """The mail's link is void at once. Idempotent. Raises NotFound, Conflict once accepted."""
    rows = Invitation.objects.select_for_update().filter(tenant_id=tenant_id)
    row = rows.filter(pk=invitation_id).first()
    if row is None:
        raise NotFound("There is no such invitation.")
    if row.accepted_at is not None:
        raise Conflict("It was accepted. Remove the member instead.")
    if row.revoked_at is None:
        row.revoked_at = timezone.now()
        row.save(update_fields=["revoked_at"])
        record(action="invitation.revoked", target=row.id)


def accept_invitation(
    *, token: str, user_id: str | None, newcomer: dict[str, Any] | None = None
) -> Membership:
    """Join, by an account with the invited address, or by a new one (``newcomer``: password,
    username, full_name). The link proves the address.

    Raises ValidationFailed, Expired, PermissionDenied for another's invitation,
    AuthenticationRequired when the address has an account and nobody is logged in.
    """
    with in_public(), transaction.atomic():
        row = open_invitation(token)
        user = accounts.invited_user(email=row.email, user_id=user_id, newcomer=newcomer or {})
        lock_team(row.tenant_id)
        member, created = Membership.objects.get_or_create(
            tenant=row.tenant, user=user, defaults={"role": row.role}
        )
        row.accepted_at = timezone.now()
        row.save(update_fields=["accepted_at"])
        if created:
            with in_tenant(row.tenant.schema_name):
                publish_member("member.joined", member)
            record(
                action="member.joined",
                target=member.id,
                changes={"role": [None, row.role.name], "invitation": row.id},
                schema_name=row.tenant.schema_name,
                actor_id=user.id,
            )
    return member


def invited_address(*, token: str) -> str:
    """Whom a link was sent to. Raises as ``accept_invitation`` does."""
    with in_public(), transaction.atomic():
        return str(open_invitation(token).email)


def open_invitation(token: str) -> Invitation:
    """The invitation of a link, locked. Raises ValidationFailed, Expired, TenantSuspended."""
    try:
        invitation_id, nonce = signing.loads(token, salt=SALT, max_age=INVITATION_LIFETIME * 2)
    except (signing.BadSignature, ValueError) as error:
        raise invalid("token", "This is not a link of ours.") from error
    rows = Invitation.objects.select_for_update(of=("self",)).select_related("tenant", "role")
    row = rows.filter(pk=invitation_id, nonce=nonce).first()
    if row is None or row.revoked_at or row.accepted_at or row.expires_at <= timezone.now():
        raise Expired("This invitation is not valid any more. Ask for a new one.")
    if row.tenant.status != "active":
        raise TenantSuspended("This tenant is closed at the moment.")
    return row
