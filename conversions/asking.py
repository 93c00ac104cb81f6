"""From a read request to a job: fetch or take the file, judge it, create the job."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from conversions import services
from conversions.errors import UnsupportedConversion
from conversions.models import Job
from conversions.reading import from_base64
from conversions.schemas import ConvertIn, JobIn, ToolIn
from conversions.services.check_graph import plan_tool
from conversions.services.fetch_url import fetch_url
from conversions.terms import TEST_FILE_BYTES
from conversions.tools.planning import options_schema, unavailable
from conversions.tools.registry import BY_SLUG
from conversions.tools.spec import Tool
from core.access import Principal
from core.errors import FieldProblem, NotFound, ValidationFailed, invalid
from core.http import judge_url
from core.uploads import IncomingFile


@dataclass(frozen=True)
class About:
    """What names a request apart from what it asks for."""

    request_id: str = ""
    idempotency_key: str | None = None


def accept_convert(
    caller: Principal,
    fields: ConvertIn,
    file: IncomingFile | None,
    about: About,
) -> Job:
    """The accepted job. The file is deleted unless the job adopted it."""
    refuse_early(fields)
    limit = file_limit(caller)
    with take_file(fields, file, limit) as taken:
        source = services.receive_input(
            file=taken,
            max_bytes=limit,
            force=fields.force,
            has_password=bool(fields.password),
            password=fields.password,
        )
        wanted = request_of(fields, fields.output_format, fields.options, about)
        return services.create_job(caller=caller, source=source, wanted=wanted)


def accept_tool(
    caller: Principal,
    tool: Tool,
    fields: ToolIn,
    files: list[IncomingFile],
    loose: dict[str, Any],
    about: About,
) -> Job:
    """The accepted job of a tool over one or several files."""
    refuse_early(fields)
    limit = file_limit(caller)
    options = options_for(tool, fields, loose)
    secret = str(options.pop("password", "")) if tool.secret else ""
    password = secret or fields.password
    with ExitStack() as stack:
        taken = files or [take_file(fields, None, limit)]
        sources = tuple(
            services.receive_input(
                file=stack.enter_context(file),
                max_bytes=limit,
                force=fields.force,
                has_password=bool(password) and tool.slug != "protect-pdf",
                any_type=tool.any_file,
                password=password,
            )
            for file in taken
        )
        formats = tuple(source.format for source in sources)
        plan = plan_tool(tool, formats, options, has_password=bool(password))
        wanted = request_of(fields, plan.output_format, options, about, password)
        return services.create_planned(
            caller=caller, sources=sources, wanted=wanted, plan=plan, kind=f"tool/{tool.slug}"
        )


def refuse_early(fields: JobIn) -> None:
    """What can be told from the fields alone. Raises UrlForbidden, ValidationFailed."""
    if fields.webhook_url:
        judge_url(fields.webhook_url, webhook=True)
    for name in ("save_to_library", "asset_id"):
        if getattr(fields, name):
            raise invalid(name, "There is no media library here yet.", "not_offered")


def quote_convert(
    caller: Principal, fields: ConvertIn, file: IncomingFile | None
) -> dict[str, Any]:
    """What `accept_convert` would take. The file is deleted."""
    limit = file_limit(caller)
    with take_file(fields, file, limit) as taken:
        source = services.receive_input(
            file=taken,
            max_bytes=limit,
            force=fields.force,
            has_password=bool(fields.password),
            password=fields.password,
        )
        wanted = request_of(fields, fields.output_format, fields.options, About())
        return services.quote(caller=caller, source=source, wanted=wanted).body()


def detect(caller: Principal, fields: ToolIn, files: list[IncomingFile]) -> dict[str, Any]:
    """What the file is. The file is deleted."""
    with take_file(fields, files[0] if files else None, file_limit(caller)) as taken:
        return asdict(services.detect_file(file=taken))


def options_for(tool: Tool, fields: ToolIn, loose: dict[str, Any]) -> dict[str, Any]:
    """`options`, and form fields that are named like one."""
    known = options_schema(tool)["properties"]
    found = {name: value for name, value in loose.items() if name in known}
    if fields.output_format:
        found["output_format"] = fields.output_format
    return found | fields.options


def find_tool(slug: str) -> Tool:
    """A tool that is offered here. Raises NotFound, ServiceUnavailable with the reason."""
    tool = BY_SLUG.get(slug)
    if tool is None:
        raise NotFound(f"There is no tool {slug}. See /api/v1/tools/.")
    reason = unavailable().get(slug)
    if reason:
        raise UnsupportedConversion(f"{tool.name} is not offered here: {reason}.")
    return tool


def pair_request(pair: str, fields: ToolIn) -> ConvertIn:
    """`a-to-b` and the fields as a request for b. Raises NotFound for another shape."""
    source, to, target = pair.partition("-to-")
    if not (source and to and target):
        raise NotFound("The address is /api/convert/{a}-to-{b}/.")
    return ConvertIn(**{**fields.dict(), "output_format": target})


def file_limit(caller: Principal) -> int | None:
    """Bytes of one file."""
    return min(
        filter(None, (caller.upload_bytes, TEST_FILE_BYTES if caller.is_test else None)),
        default=None,
    )


def request_of(
    fields: JobIn,
    target: str,
    options: dict[str, Any],
    about: About,
    password: str | None = None,
) -> services.ConvertRequest:
    """What the caller asks for, as the verb takes it."""
    return services.ConvertRequest(
        output_format=target,
        options=options,
        name=fields.name,
        metadata=fields.metadata,
        webhook_url=fields.webhook_url,
        engine=fields.engine,
        retention_hours=fields.retention_hours,
        password=password or fields.password,
        delete_after_download=fields.delete_after_download,
        start_at=fields.start_at,
        request_id=about.request_id,
        idempotency_key=about.idempotency_key,
    )


def take_file(fields: JobIn, file: IncomingFile | None, limit: int | None) -> IncomingFile:
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
