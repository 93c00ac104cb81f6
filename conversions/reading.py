"""Reading a request for a job in its three bodies: multipart, form, JSON."""

from __future__ import annotations

import base64
import binascii
from typing import Any, TypeVar

import orjson
from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from ninja import Schema
from pydantic import ValidationError

from conversions.schemas import ConvertIn, ToolIn
from conversions.terms import BATCH_FILES
from core.env import env
from core.errors import (
    AppError,
    FieldProblem,
    FileTooLarge,
    MalformedRequest,
    UnsupportedMediaType,
    ValidationFailed,
    invalid,
)
from core.problems import NO_ROOM, no_room
from core.uploads import IncomingFile, Intake

MAX_JSON_BYTES = 48_000_000  # of a base64 body; larger files go as multipart
FORM_OVERHEAD = 1_000_000  # bytes of a multipart body beside the file
Fields = TypeVar("Fields", bound=Schema)


def read_convert(request: HttpRequest) -> tuple[ConvertIn, IncomingFile | None]:
    """Fields and file of a multipart, form or JSON body. Raises problems, never a 500."""
    fields, files = read_body(request)
    return validated(fields, ConvertIn), files[0] if files else None


def read_tool(request: HttpRequest) -> tuple[ToolIn, list[IncomingFile], dict[str, Any]]:
    """The same for a tool: fields, files in their order, and what may be loose options."""
    fields, files = read_body(request)
    loose = {name: value for name, value in fields.items() if name not in ToolIn.model_fields}
    return validated(fields, ToolIn), files, loose


def read_body(request: HttpRequest) -> tuple[dict[str, Any], list[IncomingFile]]:
    """Fields and files as they came."""
    kind = (request.content_type or "").lower()
    if kind == "application/json":
        return read_json(request), []
    if kind in ("multipart/form-data", "application/x-www-form-urlencoded"):
        refuse_long_body(request)
        return read_form(request)
    raise UnsupportedMediaType("Send multipart/form-data, or JSON with content_base64 or file_url.")


def read_named(request: HttpRequest) -> tuple[dict[str, Any], dict[str, list[IncomingFile]]]:
    """Fields, and files by the name of their form field."""
    if (request.content_type or "").lower() != "multipart/form-data":
        return read_body(request)[0], {}
    fields, _ = read_form(request)
    return fields, {name: request.FILES.getlist(name) for name in request.FILES}  # type: ignore[misc]


def read_json(request: HttpRequest) -> dict[str, Any]:
    """A JSON object."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_JSON_BYTES:
        raise FileTooLarge("Files over 36 MB are sent as multipart/form-data.")
    try:
        body = orjson.loads(request.body)
    except (orjson.JSONDecodeError, RequestDataTooBig, UnreadablePostError) as error:
        raise MalformedRequest("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise MalformedRequest("The body must be a JSON object.")
    return body


def refuse_long_body(request: HttpRequest) -> None:
    """Say no before reading what is too long anyway."""
    limit = getattr(request, "upload_limit", None)
    if limit and int(request.META.get("CONTENT_LENGTH") or 0) > limit + FORM_OVERHEAD:
        raise too_large(limit)


def too_large(limit: int) -> AppError:
    """413 with the plan's limit."""
    return FileTooLarge(f"Your plan takes files up to {limit:,} bytes.".replace(",", " "))


def upload_limit(request: HttpRequest) -> int:
    """Bytes of one file."""
    return getattr(request, "upload_limit", None) or env().limits.upload_bytes


def read_form(
    request: HttpRequest, *, alone: bool = False
) -> tuple[dict[str, Any], list[IncomingFile]]:
    """Fields and files, `file` first; the upload handler has streamed them to disk.

    With ``alone`` a file over the limit is left out and the others are taken.
    """
    try:
        fields = {name: request.POST[name] for name in request.POST}
        files = [*request.FILES.getlist("file"), *request.FILES.getlist("files")]
    except TooManyFilesSent as error:
        raise invalid("files", f"A form holds at most {BATCH_FILES} files.") from error
    except (
        BadRequest,
        MultiPartParserError,
        UnreadablePostError,
        RequestDataTooBig,
        OSError,
        ValueError,
    ) as error:
        if getattr(error, "errno", None) in NO_ROOM:
            raise no_room() from error
        raise MalformedRequest("The form can't be read.") from error
    if getattr(request, "uploads_too_large", None) and not alone:
        raise too_large(upload_limit(request))
    return {k: v for k, v in fields.items() if v != ""}, files  # type: ignore[return-value]


def validated(fields: dict[str, Any], shape: type[Fields]) -> Fields:
    """The fields, or ValidationFailed naming each wrong one."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        problems = [
            FieldProblem(".".join(map(str, e["loc"])) or "body", e["type"], e["msg"])
            for e in error.errors()
        ]
        text = "; ".join(f"{p.field}: {p.message}" for p in problems)
        raise ValidationFailed(text, errors=problems) from error


def from_base64(text: str, filename: str) -> IncomingFile:
    """A file sent inside JSON."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("content_base64", "This is not base64.") from error
    intake = Intake()
    intake.write(content)
    return intake.finish(name=filename, content_type="")
