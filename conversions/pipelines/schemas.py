"""Shapes of the routes of pipelines and presets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import ConfigDict, field_validator

from conversions.schemas import ProblemOut, from_json_text
from core.pagination import PageQuery


class PipelineIn(Schema):
    """The fields of `pipelines/`; files come beside them, each under the name of its step."""

    model_config = ConfigDict(extra="ignore")

    steps: dict[str, Any] | None = None
    preset: str | None = Field(None, max_length=200, description="Id or name of a preset.")
    save_as: str | None = Field(None, min_length=1, max_length=200)
    name: str = Field("", max_length=200)
    metadata: dict[str, Any] = Field(default_factory=dict)
    webhook_url: str | None = Field(None, max_length=2000)
    retention_hours: int | None = Field(None, ge=1, le=8760)

    @field_validator("steps", "metadata", mode="before")
    @classmethod
    def from_text(cls, value: Any) -> Any:
        """A form field holds JSON as text."""
        return from_json_text(value)


class PipelineQuery(PageQuery):
    """Filters of the list of runs."""

    status: str | None = Field(None, max_length=10)


class StepFileOut(Schema):
    """An imported file."""

    filename: str
    format: str
    media_type: str
    size: int
    sha256: str


class StepOut(Schema):
    """One step of a run."""

    operation: str
    input: list[str]
    output_format: str
    engine: str | None
    options: dict[str, Any]
    on_error: str
    status: str
    progress: int
    jobs: list[str]
    files: list[StepFileOut]
    problems: list[ProblemOut]


class StepJobOut(Schema):
    """One job of a run."""

    id: str
    filename: str
    status: str
    progress: int
    output_format: str
    error: ProblemOut | None
    step: str


class PipelineOut(Schema):
    """A run of a pipeline."""

    id: str
    name: str
    status: str
    progress: int
    steps: dict[str, StepOut]
    jobs: list[StepJobOut]
    graph: dict[str, Any]
    graph_url: str
    archive_url: str
    test: bool
    api_key_id: str | None
    user_id: str | None
    webhook_url: str | None
    metadata: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None


class PipelineListOut(Schema):
    """A page of runs."""

    items: list[PipelineOut]
    next: str | None
    previous: str | None


class PipelineQuoteOut(Schema):
    """What a whole pipeline would take."""

    steps: dict[str, dict[str, Any]]
    units: int
    exact: bool
    estimated_seconds: float
    allowed: bool
    reason: str | None
    warnings: list[str]


class PresetIn(Schema):
    """A graph under a name."""

    name: str = Field(..., min_length=1, max_length=200)
    description: str = Field("", max_length=1000)
    steps: dict[str, Any]


class PresetPatch(Schema):
    """What may be changed."""

    name: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=1000)
    steps: dict[str, Any] | None = None


class PresetOut(Schema):
    """A preset."""

    id: str
    name: str
    description: str
    steps: dict[str, Any]
    graph: dict[str, Any]
    user_id: str | None
    created_at: datetime
    updated_at: datetime


class PresetListOut(Schema):
    """A page of presets."""

    items: list[PresetOut]
    next: str | None
    previous: str | None


FIELDS = PipelineIn.model_json_schema()["properties"]
PIPELINE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "properties": FIELDS}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": FIELDS,
                    "additionalProperties": {"type": "string", "format": "binary"},
                }
            },
        },
    }
}
