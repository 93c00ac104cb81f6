"""From a form with many files to a batch: each file is judged alone."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest

import billing.services as billing
from conversions import offer, services
from conversions.asking import About, file_limit, refuse_early, request_of
from conversions.batches.schemas import BatchIn
from conversions.errors import UnsupportedConversion
from conversions.models import Batch
from conversions.reading import read_form, too_large, upload_limit, validated
from conversions.services import Accepted, ConvertRequest, Refused
from conversions.services.create_job import plan_route, refuse_formats
from conversions.terms import BATCH_FILES
from core.access import Principal
from core.errors import AppError, UnsupportedMediaType, invalid
from core.uploads import IncomingFile
from inspection.formats import FORMATS
from inspection.naming import canonical_or_same


def accept_batch(caller: Principal, request: HttpRequest, about: About) -> Batch:
    """The accepted batch. Raises FeatureNotInPlan, ValidationFailed, UnsupportedConversion."""
    if not caller.is_test:
        billing.demand_feature(tenant_id=caller.tenant_id or "", feature="batch")
    if (request.content_type or "").lower() != "multipart/form-data":
        raise UnsupportedMediaType("Send multipart/form-data with `files`.")
    sent, files = read_form(request, alone=True)
    fields = validated(sent, BatchIn)
    refuse_early(fields)
    dropped: list[str] = getattr(request, "uploads_too_large", [])
    refuse_count(len(files) + len(dropped))
    wanted = request_of(fields, fields.output_format, fields.options, about)
    refuse_unknown(wanted.output_format)
    plain = replace(wanted, webhook_url=None)  # the batch tells once, not each of its jobs
    limit = file_limit(caller)
    items: list[Accepted | Refused] = [
        judged(caller, file, fields, replace(plain, position=number))
        for number, file in enumerate(files)
    ]
    for number, name in enumerate(dropped, start=len(files)):
        reason = too_large(limit or upload_limit(request))
        items.append(
            Refused(
                filename=name,
                size_bytes=0,
                sha256="",
                wanted=replace(plain, position=number),
                reason=reason,
            )
        )
    return services.create_batch(caller=caller, items=items, wanted=wanted)


def refuse_count(count: int) -> None:
    """No file, or too many."""
    if not count:
        raise invalid("files", "No file came with the request.", "missing")
    if count > BATCH_FILES:
        raise invalid("files", f"A batch takes at most {BATCH_FILES} files; {count} came.")


def refuse_unknown(output_format: str) -> None:
    """A format that nothing here writes is the batch's fault, not each file's."""
    target = canonical_or_same(output_format)
    if not any(target in offer.targets(row.code) for row in FORMATS):
        raise UnsupportedConversion(f"Nothing here writes {target}.")


def judged(
    caller: Principal, file: IncomingFile, fields: BatchIn, wanted: ConvertRequest
) -> Accepted | Refused:
    """One file: taken with its plan, or refused with its reason."""
    try:
        source = services.receive_input(
            file=file,
            max_bytes=file_limit(caller),
            force=fields.force,
            has_password=bool(fields.password),
        )
        plan = plan_route(
            source=source.format,
            target=canonical_or_same(wanted.output_format),
            options=wanted.options,
            engine=wanted.engine,
        )
        refuse_formats(caller.allowed_formats, (source.format, plan.output_format))
    except AppError as reason:
        return Refused(
            filename=file.original_name,
            size_bytes=file.size or 0,
            sha256=file.sha256,
            wanted=wanted,
            reason=reason,
        )
    return Accepted(sources=(source,), wanted=wanted, plan=plan)
