"""Answers that are more than a row: pictures, exports."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase

from accounts import services, tokens
from accounts.models import DataExport, ExportState
from core import storage
from core.errors import NotFound

FOREVER = "public, max-age=31536000, immutable"


def portrait(request: HttpRequest, avatar: str, size: int) -> HttpResponseBase:
    """A size of a picture, shown in place. Raises NotFound, ValidationFailed."""
    if not (avatar.startswith("ava_") and avatar.isascii() and avatar.replace("_", "").isalnum()):
        raise NotFound("There is no such picture.")
    path = storage.path_of(services.avatar_file(avatar=avatar, size=size))
    if not path.is_file():
        raise NotFound("There is no such picture.")
    etag = f'"{avatar}-{size}"'
    if etag in request.headers.get("If-None-Match", ""):
        response: HttpResponseBase = HttpResponse(status=304)
    else:
        response = FileResponse(path.open("rb"), content_type="image/webp")
    response["ETag"], response["Cache-Control"] = etag, FOREVER
    return response


def export_body(export: DataExport) -> tuple[int, dict[str, Any]]:
    """200 with the address once it is ready, else 202."""
    is_ready = export.state == ExportState.READY
    token = tokens.mail_token("export", export.id, "") if is_ready else ""
    url = f"/api/v1/auth/me/export/download/?token={token}" if is_ready else None
    return (200 if is_ready else 202), {
        "id": export.id,
        "status": export.state,
        "size": export.size_bytes,
        "download_url": url,
        "created_at": export.created_at,
        "ready_at": export.ready_at,
        "expires_at": export.expires_at,
    }
