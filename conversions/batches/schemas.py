"""Shapes of the batch routes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import ConfigDict

from conversions.schemas import ConvertIn, ProblemOut
from core.pagination import PageQuery


class BatchIn(ConvertIn):
    """The fields of `batch-convert/`; `files` come beside them."""

    model_config = ConfigDict(extra="ignore")


class BatchQuery(PageQuery):
    """Filters of the batch list."""

    status: str | None = Field(None, max_length=10)


class JobLineOut(Schema):
    """One file of a batch."""

    id: str
    filename: str
    status: str
    progress: int
    output_format: str
    error: ProblemOut | None


class BatchLineOut(Schema):
    """A batch in a list."""

    id: str
    name: str
    status: str
    total: int
    completed: int
    failed: int
    canceled: int
    progress: int
    output_format: str
    options: dict[str, Any]
    archive_url: str
    round: int
    test: bool
    api_key_id: str | None
    user_id: str | None
    webhook_url: str | None
    metadata: dict[str, Any]
    created_at: datetime
    finished_at: datetime | None


class BatchOut(BatchLineOut):
    """A batch with every file."""

    jobs: list[JobLineOut]


class BatchListOut(Schema):
    """A page of batches."""

    items: list[BatchLineOut]
    next: str | None
    previous: str | None


FORM = {
    name: schema
    for name, schema in BatchIn.model_json_schema()["properties"].items()
    if name not in ("content_base64", "filename", "file_url", "asset_id", "save_to_library")
}
BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        **FORM,
                    },
                    "required": ["files", "output_format"],
                }
            }
        },
    }
}
