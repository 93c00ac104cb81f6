"""What a person says about themselves."""

from __future__ import annotations

import re
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.services.addresses import change_address
from accounts.services.names import clean_full_name, clean_username
from core.errors import Conflict, invalid

LOCALE = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$")  # RFC 5646


@transaction.atomic
def update_profile(*, user_id: str, changes: dict[str, str]) -> User:
    """Change user name, full name, locale, time zone; ``email`` only once its link is opened.

    Raises ValidationFailed, and Conflict for a taken user name.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    for field, value in changes.items():
        set_field(user, field, value.strip())
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:
        raise Conflict("This user name is taken. Choose another one.") from error
    return user


def set_field(user: User, field: str, value: str) -> None:
    """One field, checked."""
    match field:
        case "email":
            change_address(user, value)
        case "username":
            user.username = clean_username(value)
        case "full_name":
            user.full_name = clean_full_name(value)
        case "locale" if not LOCALE.match(value):
            raise invalid(field, "Use a language tag like `en` or `de-CH`.")
        case "timezone" if value not in available_timezones():
            raise invalid(field, "Use a name of the IANA time zones like `Europe/Zurich`.")
        case "locale" | "timezone":
            setattr(user, field, value)
