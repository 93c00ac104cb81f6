"""Register; and the one check of user name, password and second factor behind every door."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.queries import named, of_address
from accounts.services.addresses import clean_address
from accounts.services.mails import order_mail
from accounts.services.names import clean_full_name, clean_username, plain_username
from accounts.services.passwords import check_new_password
from accounts.services.second_factor import check_second_factor
from accounts.terms import MailKind, Origin
from core.attempts import attempt, spend_or_refuse
from core.errors import Conflict, InvalidCredentials

# Burns the same time for an unknown user as for a known one.
NOBODY = make_password("nobody")
REGISTRATIONS_AN_HOUR = 60  # from one address


@dataclass(frozen=True)
class Proof:
    """A person who has proven who they are."""

    user: User
    has_mfa: bool


def count_registration(*, origin: Origin) -> None:
    """Raise TooManyAttempts after 60 registrations an hour from one address."""
    spend_or_refuse("register", origin.address, most=REGISTRATIONS_AN_HOUR, window_s=3600)


@transaction.atomic
def register_user(*, email: str, password: str, username: str | None, full_name: str) -> User:
    """Create a person and order the verification mail.

    Nobody looks whether the address is known: the answer would tell (ADR 0018). Raises
    ValidationFailed, and Conflict for a taken user name.
    """
    address = clean_address(email)
    name = clean_username(username) if username else free_username(address)
    user = User(email=address, username=name, full_name=clean_full_name(full_name))
    check_new_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("This user name is taken. Choose another one.") from error
    order_mail(MailKind.VERIFY, address=address, user_id=user.id)
    return user


def free_username(address: str) -> str:
    """A user name from an address, which nobody has."""
    plain = re.sub(r"[^\w.+-]+", "", plain_username(address.partition("@")[0]))[:100] or "user"
    return f"{plain}-{secrets.token_hex(4)}"


def put_verified_user(*, username: str, email: str, password: str, is_staff: bool) -> str:
    """Create a verified person from the command line, or give them this password. The id."""
    user = User.objects.filter(username=username).first() or User(username=username, email=email)
    user.email_verified_at, user.is_staff, user.is_superuser = timezone.now(), is_staff, is_staff
    user.set_password(password)
    user.save()
    return user.id


def log_in(*, username: str, password: str, otp: str | None, origin: Origin) -> Proof:
    """Who these credentials prove. For every door: tokens, browser sessions, the admin site.

    Raises InvalidCredentials, MfaRequired, TooManyAttempts.
    """
    claimants = claimants_of(username)
    with attempt(account=account_of(username, claimants), address=origin.address):
        user = authenticate(claimants, password)
        return Proof(user, check_second_factor(user=user, code=otp))


def claimants_of(username: str) -> list[User | None]:
    """Who may be meant by a user name or an address; None stands for nobody, to be hashed as well.

    An address may be claimed by several until one proves it: its owner (or the oldest claim) and
    the newest other claim. They are always two, so that the time tells nothing.
    """
    name = plain_username(username)
    if "@" not in name:
        return [named(name).filter(is_active=True).first()]
    claims = of_address(username)
    owner = claims.first()
    others = claims.filter(email_verified_at__isnull=True).order_by("-date_joined")
    return [owner, others.exclude(pk=owner.pk if owner else "").first()]


def account_of(username: str, claimants: list[User | None]) -> str:
    """What failures are counted for: the person, by whichever name; else the name itself."""
    return claimants[0].id if claimants[0] else plain_username(username)


def authenticate(claimants: list[User | None], password: str) -> User:
    """Whose password it is, in the same time whether there is anybody or not."""
    proven = [user for user in claimants if is_password_of(user, password)]
    if not proven or proven[0] is None:
        raise InvalidCredentials("User name or password is wrong.")
    return proven[0]


def is_password_of(user: User | None, password: str) -> bool:
    """One hash, whether there is a person or not."""
    if user is None or not user.has_usable_password():
        check_password(password, NOBODY)
        return False
    return user.check_password(password)
