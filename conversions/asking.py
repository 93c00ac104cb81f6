"""From a read request to a job: fetch or take the file, judge it, create the job."""

from __future__ import annotations

from conversions import services
from conversions.models import Job
from conversions.schemas import ConvertIn, from_base64
from conversions.services.fetch_url import fetch_url
from conversions.terms import TEST_FILE_BYTES
from core.access import Principal
from core.errors import FieldProblem, ValidationFailed
from core.http import judge_url
from core.uploads import IncomingFile


def accept_convert(
    caller: Principal,
    fields: ConvertIn,
    file: IncomingFile | None,
    *,
    request_id: str,
    idempotency_key: str | None,
) -> Job:
    """The accepted job. The file is deleted unless the job adopted it."""
    if fields.webhook_url:
        judge_url(fields.webhook_url, webhook=True)
    limit = min(
        filter(None, (caller.upload_bytes, TEST_FILE_BYTES if caller.is_test else None)),
        default=None,
    )
    with take_file(fields, file, limit) as taken:
        source = services.receive_input(
            file=taken, max_bytes=limit, force=fields.force, has_password=bool(fields.password)
        )
        wanted = services.ConvertRequest(
            output_format=fields.output_format,
            options=fields.options,
            name=fields.name,
            metadata=fields.metadata,
            webhook_url=fields.webhook_url,
            engine=fields.engine,
            retention_hours=fields.retention_hours,
            password=fields.password,
            request_id=request_id,
            idempotency_key=idempotency_key,
        )
        return services.create_job(caller=caller, source=source, wanted=wanted)


def take_file(fields: ConvertIn, file: IncomingFile | None, limit: int | None) -> IncomingFile:
    """The one file of the request, from where it comes."""
    if file is not None:
        return file
    if fields.file_url:
        return fetch_url(url=fields.file_url, max_bytes=limit)
    if fields.content_base64 is not None:
        return from_base64(fields.content_base64, fields.filename)
    raise ValidationFailed(
        "Send a file: multipart `file`, or `file_url`, or `content_base64` with `filename`.",
        errors=[FieldProblem("file", "missing", "No file came with the request.")],
    )
