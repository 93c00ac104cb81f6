"""Erase a person: personal data goes, a pseudonym (the id) stays for the audit trail."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.errors import StillNeeded
from accounts.models import (
    DataExport,
    ExternalIdentity,
    MailOrder,
    RecoveryCode,
    RefreshSession,
    User,
)
from accounts.services.exports import export_prefix
from accounts.services.mails import order_mail
from accounts.services.personal_data import HOLDERS
from accounts.services.sessions import end_sessions
from accounts.terms import MailKind
from audit.services import forget_person
from core import storage
from core.errors import Conflict, InvalidCredentials
from core.tenancy import in_public

NOWHERE = "erased.invalid"  # RFC 2606: never delivered


def erase_account(*, user_id: str, password: str) -> None:
    """Erase, once the password is confirmed. The last mail goes to the old address.

    Raises InvalidCredentials, and Conflict naming the tenants that have no other owner.
    """
    with in_public(), transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        if not user.check_password(password):
            raise InvalidCredentials("The password is wrong.")
        refuse_ties(user)
        address, avatar = user.email, user.avatar
        for holder in HOLDERS.values():
            holder.erase(user.id)
        forget(user)
        forget_person(user_id=user.id)
        order_mail(MailKind.ACCOUNT_ERASED, address=address)
        transaction.on_commit(lambda: delete_files(user_id, avatar))


def refuse_ties(user: User) -> None:
    """Raise when something would be left without its person."""
    if user.is_staff:
        raise Conflict("Staff of the platform are removed by another member of the staff.")
    ties = [name for holder in HOLDERS.values() for name in holder.ties(user.id)]
    if ties:
        raise StillNeeded(
            f"You are the only owner of {', '.join(ties)}: name another owner or delete it first.",
            extra={"tenants": ties},
        )


def forget(user: User) -> None:
    """Overwrite the row, delete what hangs on it."""
    end_sessions(user_id=user.id)
    for model in (TOTPDevice, RecoveryCode, ExternalIdentity, MailOrder, DataExport):
        model.objects.filter(user_id=user.id).delete()
    RefreshSession.objects.filter(user_id=user.id).update(address=None, agent="")
    user.username, user.email = user.id, f"{user.id}@{NOWHERE}"
    user.full_name = user.pending_email = user.avatar = ""
    user.locale, user.timezone = "en", "UTC"
    user.is_active, user.is_staff, user.is_superuser = False, False, False
    user.email_verified_at, user.erased_at = None, timezone.now()
    user.set_unusable_password()
    user.save()


def delete_files(user_id: str, avatar: str) -> None:
    """The picture and the exports."""
    storage.delete_folder(export_prefix(user_id))
    if avatar:
        storage.delete_folder(f"_people/{avatar}")
