"""Verbs of the accounts."""

from accounts.services.admit import set_active
from accounts.services.invited import invited_user
from accounts.services.second_factor import (
    TotpOffer,
    check_second_factor,
    confirm_totp,
    drop_totp,
    offer_totp,
    put_second_factor,
    renew_recovery_codes,
)
from accounts.services.sign_in import (
    TokenPair,
    authenticate,
    log_out,
    open_session,
    put_verified_user,
    refresh_session,
    register_user,
    send_verification,
    verify_email,
)

__all__ = [
    "TokenPair",
    "TotpOffer",
    "authenticate",
    "check_second_factor",
    "confirm_totp",
    "drop_totp",
    "invited_user",
    "log_out",
    "offer_totp",
    "open_session",
    "put_second_factor",
    "put_verified_user",
    "refresh_session",
    "register_user",
    "renew_recovery_codes",
    "send_verification",
    "set_active",
    "verify_email",
]
