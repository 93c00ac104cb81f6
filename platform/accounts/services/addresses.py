"""Prove an address, ask for the mail again, change the address, demand a proven one."""

from __future__ import annotations

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.models import User
from accounts.queries import verified_owner
from accounts.services.mails import order_mail
from accounts.terms import MailKind
from core.attempts import spend
from core.errors import EmailNotVerified, ValidationFailed, invalid

MAILS_AN_HOUR = 5  # to one address, of one kind


def clean_address(email: str) -> str:
    """An address without blanks around it; raises ValidationFailed when it is none."""
    email = email.strip()
    try:
        validate_email(email)
    except DjangoValidationError as error:
        raise invalid("email", "This is not an e-mail address.") from error
    return email


@transaction.atomic
def verify_email(*, token: str) -> User:
    """Mark the address of a link as proven: the first one, or one it is changed to. Idempotent."""
    try:
        user_id, address = tokens.read_mail_token("verify", token)
    except ValidationFailed:
        user_id, address = tokens.read_mail_token("address", token)
        return take_address(user_id, address)
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or user.email != address or not prove_address(user):
        raise invalid("token", "This link is not valid any more. Ask for a new one.")
    return user


def prove_address(user: User) -> bool:
    """Mark an address as proven, unless another account has proven it. Idempotent."""
    if user.is_verified:
        return True
    if verified_owner(user.email) is not None:
        return False
    user.email_verified_at = timezone.now()
    user.save(update_fields=["email_verified_at"])
    return True


def take_address(user_id: str, address: str) -> User:
    """Put the new address in the old one's place."""
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is not None and user.email == address and not user.pending_email:
        return user  # the link was opened twice
    if user is None or user.pending_email != address:
        raise invalid("token", "This link is not valid any more. Ask for a new one.")
    owner = verified_owner(address)
    if owner is not None and owner.id != user.id:
        raise invalid("token", "This address belongs to another account.")
    user.email, user.pending_email, user.email_verified_at = address, "", timezone.now()
    user.save(update_fields=["email", "pending_email", "email_verified_at"])
    return user


@transaction.atomic
def ask_verification(*, email: str) -> None:
    """Order the mail again. Does the same for every address, known or not."""
    ask(MailKind.VERIFY, email)


@transaction.atomic
def ask_reset(*, email: str) -> None:
    """Order a link that sets a password. Does the same for every address, known or not."""
    ask(MailKind.RESET, email)


def ask(kind: MailKind, email: str) -> None:
    """One mail, unless the address was sent enough of them this hour."""
    address = clean_address(email)
    if spend(f"mail:{kind}", address.lower(), most=MAILS_AN_HOUR, window_s=3600):
        order_mail(kind, address=address)


def change_address(user: User, email: str) -> None:
    """Ask the new address for a proof and tell the old one; the caller saves the person."""
    address = clean_address(email)
    if address.lower() == user.email.lower():
        user.email, user.pending_email = address, ""
        return
    user.pending_email = address
    if spend("mail:change", user.id, most=MAILS_AN_HOUR, window_s=3600):
        order_mail(MailKind.CHANGE_ADDRESS, address=address, user_id=user.id)
        if user.is_verified:
            order_mail(
                MailKind.ADDRESS_CHANGING, address=user.email, user_id=user.id, new=masked(address)
            )


def masked(address: str) -> str:
    """``a…@example.com``."""
    name, _, domain = address.partition("@")
    return f"{name[:1]}…@{domain}"


def demand_verified(*, user_id: str) -> None:
    """Raise EmailNotVerified: keys, invitations and payments need a proven address."""
    if not User.objects.filter(pk=user_id, email_verified_at__isnull=False).exists():
        raise EmailNotVerified("Open the link in the mail we sent, then try again.")
