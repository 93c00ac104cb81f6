"""Verbs of the accounts: one module for each matter."""

from accounts.gateway import start as start_external
from accounts.services.addresses import (
    ask_reset,
    ask_verification,
    demand_verified,
    verify_email,
)
from accounts.services.admit import set_active
from accounts.services.avatars import avatar_file, drop_avatar, put_avatar
from accounts.services.erase_account import erase_account
from accounts.services.exports import export_to_fetch, make_export, start_export
from accounts.services.external import Arrival, arrive, finish_arrival
from accounts.services.invited import invited_user
from accounts.services.mails import send_mail
from accounts.services.passwords import change_password, reset_password
from accounts.services.personal_data import Holder, hold
from accounts.services.profile import update_profile
from accounts.services.second_factor import (
    TotpOffer,
    check_second_factor,
    confirm_totp,
    device_id,
    drop_totp,
    offer_totp,
    put_second_factor,
    renew_recovery_codes,
)
from accounts.services.sessions import (
    TokenPair,
    end_own_session,
    end_session,
    end_sessions,
    log_out,
    open_login,
    open_session,
    refresh_session,
)
from accounts.services.sign_in import (
    Proof,
    count_registration,
    log_in,
    put_verified_user,
    register_user,
)
from accounts.services.tidy import tidy
from accounts.services.ws_tickets import SocketCaller, issue_ws_ticket, use_ws_ticket

__all__ = [
    "Arrival",
    "Holder",
    "Proof",
    "SocketCaller",
    "TokenPair",
    "TotpOffer",
    "arrive",
    "ask_reset",
    "ask_verification",
    "avatar_file",
    "change_password",
    "check_second_factor",
    "confirm_totp",
    "count_registration",
    "demand_verified",
    "device_id",
    "drop_avatar",
    "drop_totp",
    "end_own_session",
    "end_session",
    "end_sessions",
    "erase_account",
    "export_to_fetch",
    "finish_arrival",
    "hold",
    "invited_user",
    "issue_ws_ticket",
    "log_in",
    "log_out",
    "make_export",
    "offer_totp",
    "open_login",
    "open_session",
    "put_avatar",
    "put_second_factor",
    "put_verified_user",
    "refresh_session",
    "register_user",
    "renew_recovery_codes",
    "reset_password",
    "send_mail",
    "set_active",
    "start_export",
    "start_external",
    "tidy",
    "update_profile",
    "use_ws_ticket",
    "verify_email",
]
