"""Words of the accounts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

AVATAR_SIZES = (64, 256, 512)  # pixels, square
AVATAR_BYTES = 10_000_000  # of an uploaded picture
SESSION_KEY = "filemill_session"  # in Django's session: the id of our login
DEVICE_KEY = "otp_device_id"  # where django-otp looks for the proven device
EXPORT_KEPT = timedelta(days=7)
WS_TICKET_S = 60


class MailKind(StrEnum):
    """Every mail of the accounts; each has a .txt and an .html template of its name."""

    VERIFY = "verify"
    ADDRESS_KNOWN = "address_known"
    RESET = "reset"
    CHANGE_ADDRESS = "change_address"
    ADDRESS_CHANGING = "address_changing"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of mail
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    IDENTITY_LINKED = "identity_linked"
    EXPORT_READY = "export_ready"
    ACCOUNT_ERASED = "account_erased"


SUBJECTS: dict[MailKind, str] = {
    MailKind.VERIFY: "Confirm your address for Filemill",
    MailKind.ADDRESS_KNOWN: "You already have a Filemill account",
    MailKind.RESET: "Set a new password for Filemill",
    MailKind.CHANGE_ADDRESS: "Confirm your new address for Filemill",
    MailKind.ADDRESS_CHANGING: "Your Filemill address is about to change",
    MailKind.PASSWORD_CHANGED: "Your Filemill password was changed",
    MailKind.SECOND_FACTOR_ON: "Your Filemill account has a second factor now",
    MailKind.SECOND_FACTOR_OFF: "The second factor of your Filemill account was removed",
    MailKind.IDENTITY_LINKED: "A new way to log in to Filemill",
    MailKind.EXPORT_READY: "Your Filemill data is ready",
    MailKind.ACCOUNT_ERASED: "Your Filemill account was erased",
}


@dataclass(frozen=True)
class Origin:
    """Where a request came from."""

    address: str = ""
    agent: str = ""

    @classmethod
    def of(cls, meta: Mapping[str, Any]) -> Origin:
        """From a request's META."""
        agent = str(meta.get("HTTP_USER_AGENT", ""))[:200].replace("\x00", "")
        return cls(str(meta.get("REMOTE_ADDR", "")), agent)
