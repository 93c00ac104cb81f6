"""Shapes of the conversion routes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from ninja import Field, Schema
from pydantic import ConfigDict, field_validator

from conversions.terms import START_AT_DAYS
from core.moments import Moment
from core.pagination import PageQuery


def from_json_text(value: Any) -> Any:
    """JSON that came as the text of a form field; anything else unchanged."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return {}
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError("must be JSON") from error


class JobIn(Schema):
    """What every request for a job may say; files come beside it in a multipart body."""

    model_config = ConfigDict(extra="ignore")

    options: dict[str, Any] = Field(default_factory=dict)
    webhook_url: str | None = Field(None, max_length=2000)
    name: str = Field("", max_length=200)
    metadata: dict[str, Any] = Field(default_factory=dict)
    retention_hours: int | None = Field(None, ge=1, le=8760)
    engine: str | None = Field(None, max_length=40)
    password: str | None = Field(None, max_length=500)
    force: bool = False
    delete_after_download: bool = False
    save_to_library: bool = False
    asset_id: str | None = Field(None, max_length=40)
    file_url: str | None = Field(None, max_length=2000)
    content_base64: str | None = None
    filename: str = Field("file", max_length=1000)
    start_at: Moment | None = Field(
        None, description="Not before this moment, at most 30 days ahead; UTC where no zone is said"
    )

    @field_validator("start_at")
    @classmethod
    def soon_enough(cls, value: datetime | None) -> datetime | None:
        """Not farther than a file is kept for it."""
        if value is not None and value > datetime.now(UTC) + timedelta(days=START_AT_DAYS):
            raise ValueError(f"must be at most {START_AT_DAYS} days ahead")
        return value

    @field_validator("options", "metadata", mode="before")
    @classmethod
    def from_text(cls, value: Any) -> Any:
        """A form field holds JSON as text."""
        return from_json_text(value)


class ConvertIn(JobIn):
    """The fields of `convert/`; `file` comes beside them in a multipart body."""

    output_format: str = Field(..., min_length=1, max_length=20)


class ToolIn(JobIn):
    """The fields of a tool; what else a form says is taken for options."""

    output_format: str | None = Field(None, max_length=20)


class ConvertQuery(Schema):
    """How to wait for the end of a conversion."""

    wait: int = Field(0, ge=0, le=60, description="Seconds to wait for the end.")
    download: bool = Field(default=False, description="Answer with the bytes themselves.")


class JobQuery(PageQuery):
    """Filters of the job list."""

    status: str | None = Field(None, max_length=10)
    output_format: str | None = Field(None, max_length=20)
    created_after: Moment | None = None
    created_before: Moment | None = None
    q: str | None = Field(None, max_length=200)
    batch_id: str | None = Field(None, max_length=40)
    api_key_id: str | None = Field(None, max_length=40)


class FileOut(Schema):
    """A result file."""

    filename: str
    media_type: str
    size: int
    sha256: str
    download_url: str


class InputOut(Schema):
    """The file that was sent."""

    filename: str
    format: str
    media_type: str
    size: int
    sha256: str


class CheckOut(Schema):
    """One fact of the result against the source."""

    name: str
    ok: bool
    expected: Any = None
    actual: Any = None
    note: str = ""


class ReportOut(Schema):
    """The verdict on a result: verified, warnings or failed."""

    verdict: str
    checks: list[CheckOut]


class ProblemOut(Schema):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    retryable: bool
    errors: list[dict[str, Any]]


class QueueOut(Schema):
    """Where a waiting job stands."""

    position: int
    estimated_start_seconds: float | None
    estimated_finish_seconds: float | None


class JobOut(Schema):
    """A job."""

    id: str
    kind: str
    name: str
    status: str
    progress: int
    stage: str
    input: InputOut
    inputs: list[InputOut]
    output_format: str
    output: FileOut | None
    outputs: list[FileOut]
    options: dict[str, Any]
    engine: dict[str, Any]
    report: ReportOut | None
    queue: QueueOut | None
    units: int
    test: bool
    error: ProblemOut | None
    attempts: int
    batch_id: str | None
    pipeline_id: str | None
    step: str | None
    api_key_id: str | None
    user_id: str | None
    metadata: dict[str, Any]
    webhook_url: str | None
    created_at: datetime
    start_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None


class JobListOut(Schema):
    """A page of jobs."""

    items: list[JobOut]
    next: str | None
    previous: str | None


class FormatOut(Schema):
    """A format and what it can become."""

    code: str
    name: str
    family: str
    extensions: list[str]
    media_types: list[str]
    inputs_to: list[str]


class FormatListOut(Schema):
    """Every format that is read or written here; engines that are missing, with the reason."""

    items: list[FormatOut]
    next: str | None = None
    previous: str | None = None
    missing_engines: dict[str, str]


class PairOut(Schema):
    """How one format becomes another."""

    route: list[dict[str, Any]]
    options_schema: dict[str, Any]
    units: int
    verified: dict[str, Any] | None
    limits: dict[str, Any]


class QuotaOut(Schema):
    """What the tenant used of its plan."""

    plan: str
    period: dict[str, datetime]
    conversions: dict[str, int | None]
    storage: dict[str, int | None]
    requests: dict[str, int | None]


class ToolOut(Schema):
    """A tool: what it takes and how it is told what to do."""

    slug: str
    name: str
    category: str
    description: str
    inputs: dict[str, Any]
    options_schema: dict[str, Any]


class ToolListOut(Schema):
    """Every tool that is offered here; those that are not, with the reason."""

    items: list[ToolOut]
    next: str | None = None
    previous: str | None = None
    unavailable: dict[str, str]


class DetectOut(Schema):
    """What a file is, and how sure that is."""

    format: str | None
    media_type: str
    confidence: float
    extension_matches: bool
    encrypted: bool
    facts: dict[str, Any]
    opinions: dict[str, Any]
    warnings: list[str]


class QuoteOut(Schema):
    """What a conversion would take."""

    route: list[dict[str, Any]]
    units: int
    estimated_seconds: float
    queue: dict[str, Any]
    allowed: bool
    reason: str | None
    warnings: list[str]
