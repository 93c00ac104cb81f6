"""The person behind an invitation, whose link proves the address."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.sign_in import check_new_password
from core.errors import AuthenticationRequired, Conflict, PermissionDenied, invalid


@transaction.atomic
def invited_user(*, email: str, user_id: str | None, newcomer: dict[str, Any]) -> User:
    """The signed-in person, if the address is theirs; else a new one with a proven address.

    ``newcomer``: password, username, full_name. Raises PermissionDenied, AuthenticationRequired,
    Conflict, ValidationFailed.
    """
    known = User.objects.filter(email__iexact=email, is_active=True)
    if user_id is None:
        if known.exists():
            raise AuthenticationRequired("This address has an account. Log in, then accept.")
        return make_user(email, newcomer)
    user = known.filter(pk=user_id).first()
    if user is None:
        raise PermissionDenied("This invitation is for another address. Log in with that one.")
    if not user.is_verified:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
    return user


def make_user(email: str, newcomer: dict[str, Any]) -> User:
    """A new person with a proven address."""
    password = newcomer.get("password")
    if not password:
        raise invalid("password", "Choose a password for your new account.", "missing")
    username = str(newcomer.get("username") or email)
    user = User(
        email=email,
        username=username.strip(),
        full_name=str(newcomer.get("full_name") or "").strip(),
        email_verified_at=timezone.now(),
    )
    check_new_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This user name is taken. Choose another.") from error
    return user
