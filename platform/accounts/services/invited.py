"""The person behind an invitation, whose link proves the address."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import of_address, verified_owner
from accounts.services.addresses import prove_address
from accounts.services.names import clean_full_name, clean_username
from accounts.services.passwords import check_new_password
from accounts.services.sign_in import free_username
from core.errors import AuthenticationRequired, Conflict, PermissionDenied, invalid


@transaction.atomic
def invited_user(*, email: str, user_id: str | None, newcomer: dict[str, Any]) -> User:
    """The signed-in person, if the address is theirs; else a new one with a proven address.

    ``newcomer``: password, username, full_name. Raises PermissionDenied, AuthenticationRequired,
    Conflict, ValidationFailed.
    """
    if user_id is None:
        if verified_owner(email) is not None:
            raise AuthenticationRequired("This address has an account. Log in, then accept.")
        return make_user(email, newcomer)
    user = of_address(email).filter(pk=user_id).first()
    if user is None or not prove_address(user):
        raise PermissionDenied("This invitation is for another address. Log in with that one.")
    return user


def make_user(email: str, newcomer: dict[str, Any]) -> User:
    """A new person with a proven address."""
    password = newcomer.get("password")
    if not password:
        raise invalid("password", "Choose a password for your new account.", "missing")
    wanted = newcomer.get("username")
    user = User(
        email=email,
        username=clean_username(str(wanted)) if wanted else free_username(email),
        full_name=clean_full_name(str(newcomer.get("full_name") or "")),
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
