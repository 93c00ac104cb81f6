"""`/conversions/pipelines/` and `/conversions/presets/`."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from ninja import Query, Router

from conversions import groups, services
from conversions.answers import archive_answer, json_answer
from conversions.api import about
from conversions.graphs import drawing
from conversions.models import Pipeline, Preset
from conversions.pipelines.asking import accept_pipeline, graph, quote_of
from conversions.pipelines.schemas import (
    PIPELINE_BODY,
    PipelineListOut,
    PipelineOut,
    PipelineQuery,
    PipelineQuoteOut,
    PresetIn,
    PresetListOut,
    PresetOut,
    PresetPatch,
)
from core.access import principal_of, requires
from core.errors import NotFound
from core.pagination import PageQuery, page_body, paginate

router = Router(tags=["Pipelines"])


def existing(run_id: str) -> Pipeline:
    """The tenant's run, or 404."""
    run = groups.find_pipeline(run_id)
    if run is None:
        raise NotFound("There is no such pipeline.")
    return run


def existing_preset(preset_id: str) -> Preset:
    """The tenant's preset, or 404."""
    preset = groups.find_preset(preset_id)
    if preset is None:
        raise NotFound("There is no such preset.")
    return preset


@router.post("/pipelines/", response={202: PipelineOut}, openapi_extra=PIPELINE_BODY)
@requires("conversions:write")
def run_pipeline(request: HttpRequest) -> HttpResponse:
    """Run a graph of steps. Everything that can be wrong with it is told before anything runs."""
    run = accept_pipeline(principal_of(request), request, about(request))
    response = json_answer(request, groups.pipeline_body(run), status=202)
    response["Location"] = f"/api/v1/conversions/pipelines/{run.id}/"
    return response


@router.post("/pipelines/quote/", response=PipelineQuoteOut, openapi_extra=PIPELINE_BODY)
@requires("conversions:write")
def quote_pipeline(request: HttpRequest) -> dict[str, Any]:
    """Units and seconds of a whole pipeline. Nothing is stored, nothing charged."""
    return quote_of(principal_of(request), request)


@router.get("/pipelines/", response=PipelineListOut)
@requires("conversions:read")
def list_pipelines(request: HttpRequest, query: Query[PipelineQuery]) -> dict[str, Any]:
    """The tenant's runs, newest first."""
    page = paginate(groups.pipeline_list({"status": query.status}), query)
    return page_body(page, groups.pipeline_bodies(page.items))


@router.get("/pipelines/{pipeline_id}/", response=PipelineOut)
@requires("conversions:read")
def get_pipeline(request: HttpRequest, pipeline_id: str) -> HttpResponse:
    """One run: steps, jobs, graph. ETag and If-None-Match."""
    return json_answer(request, groups.pipeline_body(existing(pipeline_id)))


@router.get("/pipelines/{pipeline_id}/graph/")
@requires("conversions:read")
def draw_pipeline(
    request: HttpRequest, pipeline_id: str, format: Literal["svg", "mermaid"] = "svg"
) -> HttpResponse:
    """The run drawn: an SVG picture, or Mermaid text."""
    drawn = groups.pipeline_body(existing(pipeline_id))["graph"]
    if format == "mermaid":
        return HttpResponse(drawing.mermaid(drawn), content_type="text/plain; charset=utf-8")
    return HttpResponse(drawing.svg(drawn), content_type="image/svg+xml")


@router.get("/pipelines/{pipeline_id}/download/")
@requires("conversions:read")
def download_pipeline(
    request: HttpRequest, pipeline_id: str, step: str | None = None
) -> HttpResponseBase:
    """What the exports (else the last steps, or one step) gave, as one zip, streamed."""
    run = existing(pipeline_id)
    return archive_answer(groups.jobs_to_hand_out(run, step), run.name or run.id)


@router.post("/pipelines/{pipeline_id}/cancel/", response=PipelineOut)
@requires("conversions:write")
def cancel_pipeline(request: HttpRequest, pipeline_id: str) -> dict[str, Any]:
    """Start nothing more and cancel what runs."""
    return groups.pipeline_body(services.cancel_pipeline(run_id=pipeline_id))


@router.get("/presets/", response=PresetListOut)
@requires("conversions:read")
def list_presets(request: HttpRequest, query: Query[PageQuery]) -> dict[str, Any]:
    """The tenant's presets, newest first."""
    page = paginate(groups.preset_list(), query)
    return page_body(page, [groups.preset_body(preset) for preset in page.items])


@router.post("/presets/", response={201: PresetOut})
@requires("conversions:write")
def create_preset(request: HttpRequest, body: PresetIn) -> tuple[int, dict[str, Any]]:
    """Keep a graph under a name. Files and passwords are not kept."""
    preset = services.create_preset(
        name=body.name,
        description=body.description,
        steps=graph(body.steps),
        user_id=principal_of(request).user_id,
    )
    return 201, groups.preset_body(preset)


@router.get("/presets/{preset_id}/", response=PresetOut)
@requires("conversions:read")
def get_preset(request: HttpRequest, preset_id: str) -> HttpResponse:
    """One preset, by id or name. ETag and If-None-Match."""
    return json_answer(request, groups.preset_body(existing_preset(preset_id)))


@router.patch("/presets/{preset_id}/", response=PresetOut)
@requires("conversions:write")
def change_preset(request: HttpRequest, preset_id: str, body: PresetPatch) -> dict[str, Any]:
    """Change name, description or steps."""
    steps = None if body.steps is None else graph(body.steps)
    preset = services.change_preset(
        preset_id=preset_id, name=body.name, description=body.description, steps=steps
    )
    return groups.preset_body(preset)


@router.delete("/presets/{preset_id}/", response={204: None})
@requires("conversions:write")
def delete_preset(request: HttpRequest, preset_id: str) -> tuple[int, None]:
    """Delete a preset; runs made with it stay."""
    services.delete_preset(preset_id=preset_id)
    return 204, None
