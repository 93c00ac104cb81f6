"""Everything held about a person as one zip of JSON files and the picture (GDPR, article 20)."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import orjson
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

import dispatch.services as dispatch
from accounts import queries, tokens
from accounts.models import DataExport, ExportState, RefreshSession, User
from accounts.services.avatars import avatar_key, work_folder
from accounts.services.mails import order_mail
from accounts.services.personal_data import HOLDERS
from accounts.services.second_factor import has_totp
from accounts.terms import AVATAR_SIZES, EXPORT_KEPT, MailKind
from audit.queries import activity_body, activity_of
from core import storage
from core.errors import Expired
from core.tenancy import in_public

MOST = 100_000  # activities, the newest
MAKE_EXPORT = "accounts.make_export"


def export_prefix(user_id: str) -> str:
    """The folder of a person's exports."""
    return f"_exports/{user_id}"


def export_key(export: DataExport) -> str:
    """Where an archive lies."""
    return f"{export_prefix(export.user_id)}/{export.id}.zip"


def start_export(*, user_id: str, anew: bool) -> DataExport:
    """The export that is there or being made; a new one when there is none, or ``anew``."""
    with in_public(), transaction.atomic():
        User.objects.select_for_update().get(pk=user_id)
        newest = queries.newest_export(user_id)
        if newest is not None and (newest.state == ExportState.PENDING or not anew):
            return newest
        export = DataExport.objects.create(user_id=user_id)
        dispatch.submit(task=MAKE_EXPORT, ref=export.id, queue="io")
        return export


def make_export(*, ticket_id: str) -> None:
    """Write the archive that a ticket asks for, and tell its owner. Idempotent."""
    lease = dispatch.claim(ticket_id)
    if lease is None:
        return
    export = DataExport.objects.select_related("user").filter(pk=lease.ref).first()
    if export is not None and export.state == ExportState.PENDING:
        with tempfile.TemporaryDirectory(dir=work_folder()) as folder:
            archive = Path(folder) / "export.zip"
            write_archive(export.user, archive)
            storage.store(archive, export_key(export))
            export.size_bytes = archive.stat().st_size
    with transaction.atomic():
        if export is not None and export.state == ExportState.PENDING:
            finish(export)
        dispatch.close(lease)


def finish(export: DataExport) -> None:
    """Mark as ready; the mail has the link."""
    now = timezone.now()
    export.state, export.ready_at, export.expires_at = ExportState.READY, now, now + EXPORT_KEPT
    export.save(update_fields=["state", "size_bytes", "ready_at", "expires_at"])
    order_mail(
        MailKind.EXPORT_READY,
        address=export.user.email,
        user_id=export.user_id,
        export_id=export.id,
    )


def write_archive(user: User, archive: Path) -> None:
    """``account.json``, ``activity.json``, a file for each holder, ``avatar.webp``."""
    parts: dict[str, Any] = {"account": account_of(user)}
    parts["activity"] = [activity_body(row) for row in activity_of(user.id).order_by("-id")[:MOST]]
    parts |= {name: holder.export(user.id) for name, holder in HOLDERS.items()}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, part in parts.items():
            option = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z
            bundle.writestr(f"{name}.json", orjson.dumps(part, option=option, default=str))
        picture = storage.path_of(avatar_key(user.avatar, max(AVATAR_SIZES)))
        if user.avatar and picture.is_file():
            bundle.write(picture, "avatar.webp")


def account_of(user: User) -> dict[str, Any]:
    """What this app knows: the profile, logins, ways in. No hash, no secret."""
    sessions = RefreshSession.objects.filter(user=user).order_by("-id")
    identities = queries.identities_of(user.id)
    return {
        "profile": queries.user_body(user),
        "last_login": user.last_login,
        "second_factor": has_totp(user_id=user.id),
        "sessions": [queries.session_body(session, None) for session in sessions],
        "identities": list(identities.values("issuer", "subject", "email", "created_at")),
    }


def export_to_fetch(*, token: str) -> tuple[str, str]:
    """Storage key and id behind a link. Raises ValidationFailed, Expired."""
    export_id, _ = tokens.read_mail_token("export", token)
    export = DataExport.objects.filter(pk=export_id, state=ExportState.READY).first()
    if export is None or export.expires_at is None or export.expires_at <= timezone.now():
        raise Expired("This export has been deleted. Ask for a new one.")
    return export_key(export), export.id


def expire_exports() -> int:
    """Delete archives whose time is over. Returns how many."""
    over = DataExport.objects.filter(state=ExportState.READY, expires_at__lte=Now())
    for export in over:
        storage.delete(export_key(export))
    return DataExport.objects.filter(pk__in=[export.pk for export in over]).update(
        state=ExportState.EXPIRED
    )
