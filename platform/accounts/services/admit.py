"""Keep a person out, or let them in again."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import RefreshSession, User
from core.errors import NotFound


@transaction.atomic
def set_active(*, user_id: str, is_active: bool) -> None:
    """A disabled person's logins end at their next request. Idempotent. Raises NotFound."""
    if not User.objects.filter(pk=user_id).update(is_active=is_active):
        raise NotFound("There is no such user.")
    if not is_active:
        open_ones = RefreshSession.objects.filter(user_id=user_id, revoked_at__isnull=True)
        open_ones.update(revoked_at=timezone.now())
