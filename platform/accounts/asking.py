"""What a request brings: a picture in the body of a PUT, as it is or as multipart."""

from __future__ import annotations

from django.core.files.uploadhandler import StopUpload
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

from accounts.terms import AVATAR_BYTES
from core.errors import FileTooLarge, MalformedRequest, invalid
from core.uploads import IncomingFile, Intake


def picture_of(request: HttpRequest) -> IncomingFile:
    """The picture, on disk; the caller closes it. Raises FileTooLarge, ValidationFailed."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > AVATAR_BYTES:
        raise too_large()
    if not (request.content_type or "").startswith("multipart/"):
        return raw(request)
    request.upload_limit = AVATAR_BYTES  # type: ignore[attr-defined]
    try:
        _, files = request.parse_file_upload(request.META, request)
    except (MultiPartParserError, StopUpload) as error:
        raise MalformedRequest("The form can't be read.") from error
    if hasattr(request, "upload_too_large"):
        raise too_large()
    found = files.get("file")
    if not isinstance(found, IncomingFile):
        raise invalid("file", "Send a picture in the field `file`, or as the body.")
    return found


def raw(request: HttpRequest) -> IncomingFile:
    """The body as it is."""
    intake = Intake()
    while chunk := request.read(1 << 16):
        intake.write(chunk)
        if intake.size > AVATAR_BYTES:
            intake.discard()
            raise too_large()
    if not intake.size:
        intake.discard()
        raise invalid("file", "Send a picture in the field `file`, or as the body.")
    return intake.finish(name="avatar", content_type=request.content_type or "")


def too_large() -> FileTooLarge:
    """With the limit."""
    return FileTooLarge(f"A picture has at most {AVATAR_BYTES // 1_000_000} MB.")
