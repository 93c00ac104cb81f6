"""From a request for a pipeline to its graph and its imported files, each judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from conversions import groups, services
from conversions.asking import About, file_limit
from conversions.errors import FileEncrypted
from conversions.graphs.spec import BadGraph, StepSpec, read_graph
from conversions.models import Pipeline
from conversions.pipelines.schemas import PipelineIn
from conversions.reading import from_base64, read_named, validated
from conversions.services import Source
from conversions.services.check_graph import graph_problem, named
from conversions.services.fetch_url import fetch_url
from conversions.services.quote_pipeline import quote_pipeline
from conversions.services.start_pipeline import RunRequest
from conversions.tools.registry import BY_SLUG
from core.access import Principal
from core.errors import AppError, NotFound, invalid
from core.http import judge_url
from core.uploads import IncomingFile


@dataclass(frozen=True)
class Asked:
    """A request for a run, read and judged."""

    fields: PipelineIn
    steps: Mapping[str, StepSpec]
    imported: Mapping[str, tuple[Source, ...]]


def accept_pipeline(caller: Principal, request: HttpRequest, about: About) -> Pipeline:
    """The accepted run. Raises ValidationFailed, UnsupportedConversion … naming the step."""
    with asked_of(caller, request) as asked:
        wanted = RunRequest(
            name=asked.fields.name,
            metadata=asked.fields.metadata,
            webhook_url=asked.fields.webhook_url,
            retention_hours=asked.fields.retention_hours,
            save_as=asked.fields.save_as,
            request_id=about.request_id,
            idempotency_key=about.idempotency_key,
        )
        return services.start_pipeline(
            caller=caller, steps=asked.steps, imported=asked.imported, wanted=wanted
        )


def quote_of(caller: Principal, request: HttpRequest) -> dict[str, Any]:
    """What the run would take. The files are deleted."""
    with asked_of(caller, request) as asked:
        return quote_pipeline(caller=caller, steps=asked.steps, imported=asked.imported)


@contextmanager
def asked_of(caller: Principal, request: HttpRequest) -> Iterator[Asked]:
    """Graph and files; what nobody adopted is deleted afterwards."""
    sent, files = read_named(request)
    fields = validated(sent, PipelineIn)
    if fields.webhook_url:
        judge_url(fields.webhook_url, webhook=True)
    steps = graph_of(fields)
    refuse_strays(files, steps)
    with ExitStack() as stack:
        imported = {
            name: imports(step, files.get(name, []), steps, file_limit(caller), stack)
            for name, step in steps.items()
            if step.is_import
        }
        yield Asked(fields, steps, imported)


def graph_of(fields: PipelineIn) -> dict[str, StepSpec]:
    """The graph of the request, laid over its preset's. Raises ValidationFailed, NotFound."""
    raw: dict[str, Any] = {}
    if fields.preset:
        preset = groups.find_preset(fields.preset)
        if preset is None:
            raise NotFound(f"There is no preset {fields.preset}.")
        raw = dict(preset.steps)
    for name, row in (fields.steps or {}).items():
        known = raw.get(name)
        raw[name] = {**known, **row} if isinstance(known, dict) and isinstance(row, dict) else row
    return graph(raw)


def graph(raw: Any) -> dict[str, StepSpec]:
    """Steps in their order. Raises ValidationFailed naming each fault's step."""
    try:
        return read_graph(raw)
    except BadGraph as error:
        raise graph_problem(error) from error


def refuse_strays(files: Mapping[str, Any], steps: Mapping[str, StepSpec]) -> None:
    """A file under a name that imports nothing."""
    for name in files:
        if name not in steps or steps[name].operation != "import/upload":
            raise invalid(f"steps.{name}"[:100], "A file came for a step that imports no upload.")


def imports(
    step: StepSpec,
    files: list[IncomingFile],
    steps: Mapping[str, StepSpec],
    limit: int | None,
    stack: ExitStack,
) -> tuple[Source, ...]:
    """The files of one import, judged. Raises their refusal, naming the step."""
    takers = [other for other in steps.values() if step.name in other.input]
    locked = any(other.password for other in takers) or bool(step.password)
    try:
        taken = files or [fetched(step, limit)]
        return tuple(
            services.receive_input(
                file=stack.enter_context(file),
                max_bytes=limit,
                force=step.force,
                has_password=locked,
                any_type=bool(takers) and all(takes_anything(other) for other in takers),
            )
            for file in taken
        )
    except FileEncrypted as error:
        raise named(replace_detail(error, step), step.name) from error
    except AppError as error:
        raise named(error, step.name) from error


def replace_detail(error: FileEncrypted, step: StepSpec) -> FileEncrypted:
    """Where the password belongs."""
    return FileEncrypted(f"{error.detail} It belongs into the step that takes {step.name}.")


def takes_anything(step: StepSpec) -> bool:
    """Whether a step packs files as they are."""
    tool = BY_SLUG.get(step.slug)
    return bool(tool and tool.any_file)


def fetched(step: StepSpec, limit: int | None) -> IncomingFile:
    """The file of an import that came with no form. Raises ValidationFailed, UrlForbidden."""
    if step.operation == "import/url":
        return fetch_url(url=step.url, max_bytes=limit)
    if isinstance(step.content_base64, str):
        return from_base64(step.content_base64, step.filename or "file")
    raise invalid("file", f"Send a file in the form field `{step.name}`.", "missing")
