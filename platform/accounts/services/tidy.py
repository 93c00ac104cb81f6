"""What is over goes: logins, mails that nobody sends any more, archives."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from accounts.models import MailOrder, RefreshSession
from accounts.services.exports import expire_exports

SESSIONS_KEPT = timedelta(days=30)  # after their end, for the list of one's own logins
ORDERS_KEPT = timedelta(days=7)


def tidy() -> int:
    """Delete what is over. Idempotent. Returns how many rows and files went."""
    logins, _ = RefreshSession.objects.filter(expires_at__lt=Now() - SESSIONS_KEPT).delete()
    orders, _ = MailOrder.objects.filter(created_at__lt=Now() - ORDERS_KEPT).delete()
    cookies, _ = Session.objects.filter(expire_date__lt=Now()).delete()
    return logins + orders + cookies + expire_exports()
