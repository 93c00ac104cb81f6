"""Mails that were ordered: sent as a worker does, and read from the folder they are written to."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable
from email.message import EmailMessage
from urllib.parse import unquote

from tests.product import Product

BETWEEN = re.compile(rb"\n-{60,}\n")
TOKEN = re.compile(r"token=([^\s\"'&<>]+)")


def post_mails(tickets: Iterable[str] | None = None) -> list[str]:
    """Send what is due. The tickets."""
    from accounts.services import send_mail
    from core.tenancy import in_public
    from dispatch.models import Ticket

    due = Ticket.objects.filter(task="accounts.send_mail", state__in=["waiting", "sent"])
    found = list(tickets if tickets is not None else due.values_list("pk", flat=True))
    with in_public():
        for ticket in found:
            send_mail(ticket_id=ticket)
    return found


def mails_to(product: Product, address: str) -> list[EmailMessage]:
    """Every mail to an address, the last ordered first; what is due is sent before."""
    post_mails()
    # Mails of one second may share a file.
    parts = [part for path in product.mails.iterdir() for part in BETWEEN.split(path.read_bytes())]
    mails = [email.message_from_bytes(part, policy=email.policy.default) for part in parts]
    found = [mail for mail in mails if mail["To"] == address]
    return sorted(found, key=lambda mail: mail["Message-ID"], reverse=True)  # the order's id: sorts


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The plain or the HTML part."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def mailed_token(product: Product, address: str) -> str:
    """The token of the newest mail to an address that has one."""
    for mail in mails_to(product, address):
        found = TOKEN.search(text_of(mail))
        if found:
            return unquote(found[1])
    raise AssertionError(f"no mail with a token to {address}")
