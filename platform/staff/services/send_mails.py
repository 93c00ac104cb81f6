"""Custom mails: addresses are found once, written down, and each is sent its mail once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

import dispatch.services as dispatch
from core.errors import invalid
from core.tenancy import in_public
from dispatch.errors import LeaseLost
from dispatch.services import Lease
from staff.models import Mailing, MailRecipient
from tenants.census import addresses_of

SEND_MAILING = "staff.send_mailing"  # Celery task; the ticket's ref is the mailing's id
CHUNK = 100  # mails over one connection to the mail server


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Whom a mail goes to: those whom every given filter finds; only verified addresses."""

    user_ids: Sequence[str] = ()
    tenant_ids: Sequence[str] = ()
    plans: Sequence[str] = ()
    roles: Sequence[str] = ()  # names of built-in roles
    everyone: bool = False  # said aloud: no filter at all

    def is_open(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.user_ids or self.tenant_ids or self.plans or self.roles)


def order_mailing(
    *, caller_id: str, subject: str, body: str, audience: Audience
) -> tuple[Mailing, int]:
    """The mailing and how many it goes to; it is on its way. Raises ValidationFailed."""
    if not subject.strip() or not subject.isprintable():
        raise invalid("subject", "Write one line.")
    if not body.strip():
        raise invalid("body", "Write something.")
    if audience.is_open() and not audience.everyone:
        raise invalid("to", "Say whom: user_ids, tenant_ids, plans, roles, or everyone: true.")
    with in_public(), transaction.atomic():
        found = addresses_of(
            user_ids=audience.user_ids,
            tenant_ids=audience.tenant_ids,
            plans=audience.plans,
            roles=audience.roles,
        )
        addresses = sorted({address.lower(): address for address in found}.values())
        if not addresses:
            raise invalid("to", "Nobody is found by this.")
        mailing = Mailing.objects.create(
            subject=subject.strip(), body=body, filter=asdict(audience), created_by_id=caller_id
        )
        MailRecipient.objects.bulk_create(
            (MailRecipient(mailing=mailing, address=address) for address in addresses),
            batch_size=1000,
        )
        dispatch.submit(task=SEND_MAILING, ref=mailing.id, queue="io")
    return mailing, len(addresses)


def send_mailing(*, ticket_id: str) -> None:
    """Send what is not sent yet. A death in between repeats one mail at most."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    try:
        with dispatch.kept(lease), get_connection() as server:
            send_rest(lease, server)
    except LeaseLost:
        return
    with transaction.atomic():
        Mailing.objects.filter(pk=lease.ref).update(finished_at=timezone.now())
        dispatch.close(lease)


def send_rest(lease: Lease, server: BaseEmailBackend) -> None:
    """One after the other, each remembered at once."""
    mailing = Mailing.objects.filter(pk=lease.ref).first()
    while mailing is not None:
        rows = list(mailing.recipients.filter(sent_at__isnull=True).order_by("id")[:CHUNK])
        for row in rows:
            if lease.lost.is_set():
                raise LeaseLost(lease.ticket_id)
            mail = EmailMessage(
                mailing.subject, mailing.body, None, [row.address], connection=server
            )
            mail.send()
            row.sent_at = timezone.now()
            row.save(update_fields=["sent_at"])
        if not rows:
            return
