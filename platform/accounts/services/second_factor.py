"""The second factor: TOTP by django-otp, and recovery codes of which only hashes are kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass

import segno
from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import RecoveryCode, RefreshSession, User
from accounts.services.mails import order_mail
from accounts.terms import MailKind
from core.env import env
from core.errors import Conflict, InvalidCredentials, MfaRequired, NotFound, invalid

CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # without what looks alike
CODE_LENGTH = 10


@dataclass(frozen=True)
class TotpOffer:
    """What an authenticator app needs."""

    secret: str  # base 32
    otpauth_url: str
    qr_svg: str


@transaction.atomic
def offer_totp(*, user_id: str) -> TotpOffer:
    """A new secret, in force once it is confirmed. Raises Conflict when one is in force."""
    user = User.objects.select_for_update().get(pk=user_id)
    if TOTPDevice.objects.filter(user=user, confirmed=True).exists():
        raise Conflict("A second factor is set up. Remove it first.")
    TOTPDevice.objects.filter(user=user).delete()
    device = TOTPDevice.objects.create(user=user, name="authenticator", confirmed=False)
    return TotpOffer(
        base64.b32encode(device.bin_key).decode().rstrip("="),
        device.config_url,
        segno.make(device.config_url).svg_inline(scale=4),
    )


@transaction.atomic
def confirm_totp(*, user_id: str, code: str, session_id: str | None) -> list[str]:
    """Put the offered secret in force; the recovery codes, shown once.

    The login that did it has proven the second factor by that. Raises NotFound, ValidationFailed.
    """
    device = TOTPDevice.objects.select_for_update().filter(user_id=user_id, confirmed=False).first()
    if device is None:
        raise NotFound("Start with POST mfa/totp/.")
    if not is_right(device, code):
        raise invalid("code", "This is not the code of the app. Check the clock of the phone.")
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    RefreshSession.objects.filter(pk=session_id).update(mfa_at=timezone.now())
    tell(user_id, MailKind.SECOND_FACTOR_ON)
    return new_codes(user_id)


@transaction.atomic
def put_second_factor(*, user_id: str) -> str:
    """A second factor in force, from the command line; its secret in base 32."""
    TOTPDevice.objects.filter(user_id=user_id).delete()
    device = TOTPDevice.objects.create(user_id=user_id, name="authenticator", confirmed=True)
    return base64.b32encode(device.bin_key).decode().rstrip("=")


@transaction.atomic
def drop_totp(*, user_id: str, has_mfa: bool) -> None:
    """Remove the second factor with its recovery codes. Idempotent.

    ``has_mfa``: this login has proven it. Raises MfaRequired, and Conflict for staff.
    """
    demand_proof(user_id, has_mfa=has_mfa)
    if User.objects.filter(pk=user_id, is_staff=True).exists() and has_totp(user_id=user_id):
        raise Conflict("Staff of the platform keep a second factor.")
    dropped, _ = TOTPDevice.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.filter(user_id=user_id).delete()
    RefreshSession.objects.filter(user_id=user_id).update(mfa_at=None)
    if dropped:
        tell(user_id, MailKind.SECOND_FACTOR_OFF)


@transaction.atomic
def renew_recovery_codes(*, user_id: str, has_mfa: bool) -> list[str]:
    """New codes; the old ones are worthless. Raises NotFound without a second factor."""
    if not has_totp(user_id=user_id):
        raise NotFound("There is no second factor.")
    demand_proof(user_id, has_mfa=has_mfa)
    return new_codes(user_id)


def demand_proof(user_id: str, *, has_mfa: bool) -> None:
    """Raise MfaRequired when the person has a second factor and this login has not proven it."""
    if has_totp(user_id=user_id) and not has_mfa:
        raise MfaRequired("Log in with the second factor first.")


def has_totp(*, user_id: str) -> bool:
    """Whether a second factor is in force."""
    return bool(TOTPDevice.objects.filter(user_id=user_id, confirmed=True).exists())


def device_id(*, user_id: str) -> str | None:
    """What django-otp calls the device, for sessions of the admin site."""
    device = TOTPDevice.objects.filter(user_id=user_id, confirmed=True).first()
    return str(device.persistent_id) if device else None


def check_second_factor(*, user: User, code: str | None) -> bool:
    """Whether a second factor was proven: False when the person has none.

    Raises MfaRequired without a code, InvalidCredentials for a wrong one. A code is good once: a
    replay is refused, a recovery code is used up.
    """
    with transaction.atomic():
        devices = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True)
        device = devices.first()
        if device is None:
            return False
        if not code:
            raise MfaRequired("Send `otp`: the code of the authenticator app, or a recovery code.")
        proven = is_right(device, code) or use_recovery_code(user, code)
    if not proven:
        raise InvalidCredentials("The code of the second factor is wrong or was used.")
    return True


def is_right(device: TOTPDevice, code: str) -> bool:
    """Whether the app shows this code now, one step of drift allowed, each code once."""
    digits = code.replace(" ", "")
    if len(digits) != device.digits or not (digits.isascii() and digits.isdigit()):
        return False
    return bool(device.verify_token(int(digits)))


def use_recovery_code(user: User, code: str) -> bool:
    """Use up a code; True when it was one."""
    unused = RecoveryCode.objects.filter(user=user, digest=digest(code), used_at__isnull=True)
    return unused.update(used_at=timezone.now()) == 1


def new_codes(user_id: str) -> list[str]:
    """Replace every code of a person."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(CODES)]
    RecoveryCode.objects.filter(user_id=user_id).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user_id=user_id, digest=digest(code)) for code in codes
    )
    return codes


def tell(user_id: str, kind: MailKind) -> None:
    """A mail to the owner."""
    address = User.objects.values_list("email", flat=True).get(pk=user_id)
    order_mail(kind, address=address, user_id=user_id)


def digest(code: str) -> str:
    """What is stored of a recovery code."""
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    key = env().site.secret_key.get_secret_value().encode()
    return hmac.new(key, f"recovery:{plain}".encode(), hashlib.sha256).hexdigest()
