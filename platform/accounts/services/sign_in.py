"""Register, verify, log in, refresh, log out."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

import dispatch.services as dispatch
from accounts import tokens
from accounts.errors import RefreshReused
from accounts.models import RefreshSession, User
from core.env import env
from core.errors import Conflict, FieldProblem, InvalidCredentials, ValidationFailed, invalid
from core.tenancy import in_public

# Burns the same time for an unknown user as for a known one.
NOBODY = make_password("nobody")


@dataclass(frozen=True)
class TokenPair:
    """What a login gives."""

    access: str
    refresh: str
    expires_in: int  # seconds


def check_new_password(password: str, user: User) -> None:
    """Raise ValidationFailed with every reason."""
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise ValidationFailed(
            " ".join(error.messages),
            errors=[FieldProblem("password", "weak", text) for text in error.messages],
        ) from error


@transaction.atomic
def register_user(*, email: str, password: str, username: str | None, full_name: str) -> User:
    """Create a person and order the verification mail. Raises Conflict or ValidationFailed."""
    email = email.strip()
    try:
        validate_email(email)
    except DjangoValidationError as error:
        raise invalid("email", "This is not an e-mail address.") from error
    user = User(email=email, username=(username or email).strip(), full_name=full_name.strip())
    check_new_password(password, user)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            "This user name or address is taken. Log in, or reset the password."
        ) from error
    dispatch.submit(task="accounts.send_verification", ref=user.id, queue="io", priority=5)
    return user


def put_verified_user(*, username: str, email: str, password: str, is_staff: bool) -> str:
    """Create a verified person from the command line, or give them this password. The id."""
    user = User.objects.filter(username=username).first() or User(username=username, email=email)
    user.email_verified_at, user.is_staff, user.is_superuser = timezone.now(), is_staff, is_staff
    user.set_password(password)
    user.save()
    return user.id


def send_verification(*, ticket_id: str) -> None:
    """Send the mail that a ticket asks for; at least once."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    user = User.objects.filter(pk=lease.ref).first()
    if user is not None and not user.is_verified:
        token = tokens.mail_token("verify", user.id, user.email)
        link = f"{env().site.public_url}/verify-email/?token={token}"
        send_mail(
            "Confirm your address for Filemill",
            f"Hello,\n\nconfirm this address by opening\n\n{link}\n\n"
            "The link is good for three days. If this wasn't you, ignore this mail.\n",
            None,
            [user.email],
        )
    with transaction.atomic():
        dispatch.close(lease)


def verify_email(*, token: str) -> User:
    """Mark the address as proven. Idempotent."""
    user_id, address = tokens.read_mail_token("verify", token)
    user = User.objects.filter(pk=user_id, email=address, is_active=True).first()
    if user is None:
        raise invalid("token", "This link is not valid any more. Ask for a new one.")
    if not user.is_verified:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
    return user


def authenticate(*, username: str, password: str) -> User:
    """The person of these credentials, in the same time whether known or not."""
    name = username.strip()
    user = User.objects.filter(
        Q(username__iexact=name) | Q(email__iexact=name), is_active=True
    ).first()
    if not check_password(password, user.password if user else NOBODY) or user is None:
        raise InvalidCredentials("User name or password is wrong.")
    return user


def open_session(*, user: User, tenant_slug: str | None, has_mfa: bool = False) -> TokenPair:
    """A new login; ``has_mfa`` when its second factor was proven."""
    session = RefreshSession.objects.create(
        user=user, expires_at=timezone.now() + tokens.REFRESH_LIFETIME
    )
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    return pair(user.id, session, tenant_slug, has_mfa=has_mfa)


def pair(
    user_id: str, session: RefreshSession, tenant_slug: str | None, *, has_mfa: bool
) -> TokenPair:
    """Tokens of a session's current generation."""
    return TokenPair(
        tokens.access_token(user_id, tenant_slug, session.id, has_mfa=has_mfa),
        tokens.refresh_token(user_id, session.id, session.generation, tenant_slug, has_mfa=has_mfa),
        int(tokens.ACCESS_LIFETIME.total_seconds()),
    )


def refresh_session(*, refresh: str) -> TokenPair:
    """The next pair. A token used twice ends its session (RefreshReused)."""
    claims = tokens.decode(refresh, "refresh")
    with in_public():
        moved = RefreshSession.objects.filter(
            pk=claims["sid"],
            generation=int(str(claims["gen"])),
            revoked_at__isnull=True,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        ).update(generation=int(str(claims["gen"])) + 1)
        session = RefreshSession.objects.filter(pk=claims["sid"]).first()
        if not moved or session is None:
            end_session(session_id=str(claims["sid"]))
            raise RefreshReused("Log in again.")
    tenant = claims.get("tenant")
    return pair(
        session.user_id,
        session,
        str(tenant) if tenant else None,
        has_mfa=claims.get("mfa") is True,
    )


def end_session(*, session_id: str) -> None:
    """Revoke a login. Idempotent."""
    RefreshSession.objects.filter(pk=session_id, revoked_at__isnull=True).update(
        revoked_at=timezone.now()
    )


def log_out(*, refresh: str) -> None:
    """Revoke the login of a refresh token."""
    end_session(session_id=str(tokens.decode(refresh, "refresh")["sid"]))
