"""Keep a person out, or let them in again."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from accounts.services.sessions import end_sessions
from core.errors import NotFound


@transaction.atomic
def set_active(*, user_id: str, is_active: bool) -> None:
    """A disabled person's logins end at their next request. Idempotent. Raises NotFound."""
    rows = User.objects.filter(pk=user_id, erased_at__isnull=True)
    if not rows.update(is_active=is_active):
        raise NotFound("There is no such user.")
    if not is_active:
        end_sessions(user_id=user_id)
