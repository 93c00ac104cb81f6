"""Order a mail in the running transaction; a ticket sends it, at least once.

What an address leads to is looked up when the mail is sent, never in the request: asking for a mail
takes the same time and gives the same answer whether the address is known or not (ADR 0018).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

import dispatch.services as dispatch
from accounts import tokens
from accounts.models import MailOrder, User
from accounts.queries import of_address, verified_owner
from accounts.terms import SUBJECTS, MailKind
from core.env import env
from core.tenancy import in_public

SEND_MAIL = "accounts.send_mail"
Facts = dict[str, Any]


def order_mail(
    kind: MailKind, *, address: str, user_id: str | None = None, **facts: object
) -> None:
    """Write the order and its ticket. ``user_id`` None: whoever owns the address by then."""
    with in_public():
        order = MailOrder.objects.create(kind=kind, address=address, user_id=user_id, facts=facts)
        dispatch.submit(task=SEND_MAIL, ref=order.id, queue="io", priority=5)


def send_mail(*, ticket_id: str) -> None:
    """Send what a ticket asks for, or nothing when nobody is there to get it."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    order = MailOrder.objects.select_related("user").filter(pk=lease.ref).first()
    if order is not None:
        facts = COMPOSERS.get(MailKind(order.kind), plain)(order)
        if facts is not None:
            deliver(order, facts)
    with transaction.atomic():
        MailOrder.objects.filter(pk=lease.ref).delete()
        dispatch.close(lease)


def deliver(order: MailOrder, facts: Facts) -> None:
    """The mail as plain text with an HTML alternative."""
    kind = MailKind(facts.pop("kind", order.kind))
    address = facts.pop("to", order.address)
    host = urlsplit(env().site.public_url).hostname
    words = {"site": env().site.public_url, "subject": SUBJECTS[kind], **order.facts, **facts}
    mail = EmailMultiAlternatives(
        SUBJECTS[kind],
        render_to_string(f"accounts/mail/{kind}.txt", words),
        to=[address],
        headers={"Message-ID": f"<{order.id}@{host}>"},  # sent twice, it is one mail still
    )
    mail.attach_alternative(render_to_string(f"accounts/mail/{kind}.html", words), "text/html")
    mail.send()


def plain(order: MailOrder) -> Facts | None:
    """A notice without a link of its own."""
    return {}


def link(path: str, token: str) -> str:
    """An address with a token in its query."""
    return f"{env().site.public_url}{path}?token={token}"


def verification(order: MailOrder) -> Facts | None:
    """The link that proves an address; where it is proven already, a word to its owner instead."""
    user = order.user or of_address(order.address).first()
    if user is None or user.is_verified or user.email.lower() != order.address.lower():
        return None
    if verified_owner(order.address) is not None:
        return {"kind": MailKind.ADDRESS_KNOWN}
    token = tokens.mail_token("verify", user.id, user.email)
    return {"to": user.email, "link": link("/verify-email/", token), "username": user.username}


def reset(order: MailOrder) -> Facts | None:
    """The link that sets a password; nothing for an address that nobody claims.

    It goes to the address as the account has it: one that only looks alike gets nothing.
    """
    user = of_address(order.address).first()
    if user is None:
        return None
    token = tokens.mail_token("reset", user.id, tokens.reset_state(user.password, user.email))
    return {"to": user.email, "link": link("/reset-password/", token), "username": user.username}


def change_address(order: MailOrder) -> Facts | None:
    """The link that proves a new address."""
    user: User | None = order.user
    if user is None or user.pending_email.lower() != order.address.lower():
        return None
    token = tokens.mail_token("address", user.id, user.pending_email)
    return {"link": link("/verify-email/", token), "username": user.username}


def export_ready(order: MailOrder) -> Facts | None:
    """The link that fetches an export."""
    token = tokens.mail_token("export", str(order.facts["export_id"]), "")
    return {"link": link("/api/v1/auth/me/export/download/", token)}


COMPOSERS: dict[MailKind, Callable[[MailOrder], Facts | None]] = {
    MailKind.VERIFY: verification,
    MailKind.RESET: reset,
    MailKind.CHANGE_ADDRESS: change_address,
    MailKind.EXPORT_READY: export_ready,
}
