"""People who come from an OpenID provider: known by subject, linked by a proven address."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.core.cache import caches
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from accounts import gateway
from accounts.models import ExternalIdentity, User
from accounts.queries import active_user, verified_owner
from accounts.services.mails import order_mail
from accounts.services.second_factor import check_second_factor, has_totp
from accounts.services.sign_in import Proof, free_username
from accounts.terms import MailKind, Origin
from core.attempts import attempt
from core.errors import EmailNotVerified, InvalidCredentials, PermissionDenied, ServiceUnavailable
from core.tenancy import in_public

TICKET_S = 300  # to type the code of the second factor


@dataclass(frozen=True)
class Arrival:
    """A person whom a provider vouches for. ``ticket``: the second factor is still due."""

    user: User
    is_new: bool
    next: str
    ticket: str | None


def arrive(*, sealed: str, provider: str, state: str, code: str) -> Arrival:
    """End the sign-in that a browser started.

    Raises ProviderRefused, ServiceUnavailable, EmailNotVerified, PermissionDenied.
    """
    flow = gateway.resume(sealed, provider, state)
    claims = gateway.finish(flow, code)
    with in_public(), transaction.atomic():
        user, is_new = person_of(claims)
    if not user.is_active:
        raise PermissionDenied("This account is closed.")
    ticket = issue_ticket(user.id) if has_totp(user_id=user.id) else None
    return Arrival(user, is_new, flow.next, ticket)


def person_of(claims: gateway.Claims) -> tuple[User, bool]:
    """The linked person; else the owner of the proven address, linked now; else a new one.

    An address that nobody has proven here links to nobody: who registered with it first may not be
    its owner.
    """
    known = (
        ExternalIdentity.objects.select_related("user")
        .filter(issuer=claims.issuer, subject=claims.subject)
        .first()
    )
    if known is not None:
        return known.user, False
    if not claims.email or not claims.email_verified:
        raise EmailNotVerified("The provider has not verified your address. Verify it there first.")
    owner = verified_owner(claims.email)
    user = owner or new_person(claims)
    ExternalIdentity.objects.create(
        user=user, issuer=claims.issuer, subject=claims.subject, email=claims.email
    )
    if owner is not None:
        order_mail(MailKind.IDENTITY_LINKED, address=user.email, user_id=user.id, at=claims.issuer)
    return user, owner is None


def new_person(claims: gateway.Claims) -> User:
    """Somebody without a password, with a proven address."""
    user = User(
        username=free_username(claims.email),
        email=claims.email,
        full_name="".join(char for char in claims.name if char.isprintable()),
        email_verified_at=timezone.now(),
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    return user


def issue_ticket(user_id: str) -> str:
    """What stands for the provider's word until the second factor is proven."""
    ticket = secrets.token_urlsafe(32)
    try:
        caches["platform"].set(f"arrival:{ticket}", user_id, TICKET_S)
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable("Try again in a moment.") from error
    return ticket


def finish_arrival(*, ticket: str, otp: str, origin: Origin) -> Proof:
    """Who a ticket and a code of the second factor prove; good once.

    Raises InvalidCredentials, TooManyAttempts.
    """
    key = f"arrival:{ticket}"
    try:
        user = active_user(str(caches["platform"].get(key) or ""))
    except (RedisError, ConnectionError) as error:
        raise ServiceUnavailable("Try again in a moment.") from error
    if user is None:
        raise InvalidCredentials("This sign-in is over. Start again.")
    with attempt(account=user.id, address=origin.address):
        has_mfa = check_second_factor(user=user, code=otp)
    if not caches["platform"].delete(key):
        raise InvalidCredentials("This sign-in is over. Start again.")
    return Proof(user, has_mfa)
