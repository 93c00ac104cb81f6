"""Which passwords are taken, and changing them: by link, or by the old one."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import transaction
from zxcvbn import zxcvbn

from accounts import tokens
from accounts.models import User
from accounts.services.addresses import prove_address
from accounts.services.mails import order_mail
from accounts.services.sessions import end_sessions
from accounts.terms import MailKind
from core.errors import FieldProblem, InvalidCredentials, ValidationFailed, invalid

LONGEST_BYTES = 1024
JUDGED = 72  # characters: zxcvbn takes no more, and its time grows with the square
STRONG_ENOUGH = 3  # of zxcvbn's 0–4: 10⁸ guesses and more


def check_new_password(password: str, user: User) -> None:
    """Raise ValidationFailed with every reason: length, common ones, closeness, guesses."""
    if len(password.encode()) > LONGEST_BYTES:
        raise invalid("password", f"Use at most {LONGEST_BYTES} bytes.", "too_long")
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise weak(error.messages) from error
    own = [part for part in (user.username, user.email, user.full_name) if part]
    verdict = zxcvbn(password[:JUDGED], user_inputs=own)
    if verdict["score"] < STRONG_ENOUGH:
        feedback = verdict["feedback"]
        hints = [feedback["warning"], *feedback["suggestions"]]
        raise weak([hint for hint in hints if hint] or ["This password is easy to guess."])


def weak(reasons: list[str]) -> ValidationFailed:
    """One problem of the field for each reason."""
    return ValidationFailed(
        " ".join(reasons), errors=[FieldProblem("password", "weak", text) for text in reasons]
    )


@transaction.atomic
def reset_password(*, token: str, password: str) -> None:
    """Set a password by the link of a mail, which also proves the address. Ends every session.

    Raises ValidationFailed; a link is good once, since the password is part of what it signs.
    """
    user_id, state = tokens.read_mail_token("reset", token)
    user = User.objects.select_for_update().filter(pk=user_id, is_active=True).first()
    if user is None or state != tokens.reset_state(user.password, user.email):
        raise invalid("token", "This link is not valid any more. Ask for a new one.")
    set_new_password(user, password)
    prove_address(user)
    end_sessions(user_id=user.id)


@transaction.atomic
def change_password(
    *, user_id: str, current_password: str, password: str, session_id: str | None
) -> None:
    """Set a password by the old one; every other session ends.

    Raises InvalidCredentials, ValidationFailed.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if not user.check_password(current_password):
        raise InvalidCredentials("The current password is wrong.")
    set_new_password(user, password)
    end_sessions(user_id=user.id, keep=session_id)


def set_new_password(user: User, password: str) -> None:
    """Check, store, and tell the owner."""
    check_new_password(password, user)
    user.set_password(password)
    user.save(update_fields=["password"])
    order_mail(MailKind.PASSWORD_CHANGED, address=user.email, user_id=user.id)
