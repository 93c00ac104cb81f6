"""The plans of API.md, as data; the database's rows are made from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

GB, MB = 1_000_000_000, 1_000_000


@dataclass(frozen=True, kw_only=True)
class PlanTerms:
    """One row of the plan table. None: unlimited or custom. Money in cents, sizes in bytes."""

    code: str
    name: str
    month_cents: int | None
    year_cents: int | None
    conversions: int | None
    storage_bytes: int | None
    requests_per_hour: int | None
    file_bytes: int | None
    concurrency: int
    retention_hours: int
    weight: int
    features: tuple[str, ...]


BASIC = ("standard_formats", "all_formats", "cloud_storage", "priority_support")
PROFESSIONAL = (*BASIC, "advanced_options", "batch", "webhooks", "custom_branding")
ENTERPRISE = (*PROFESSIONAL, "sso", "advanced_analytics", "sla", "custom_integrations")

PLANS = (
    PlanTerms(
        code="free",
        name="Free",
        month_cents=0,
        year_cents=0,
        conversions=100,
        storage_bytes=GB,
        requests_per_hour=1_000,
        file_bytes=100 * MB,
        concurrency=2,
        retention_hours=24,
        weight=1,
        features=("standard_formats",),
    ),
    PlanTerms(
        code="basic",
        name="Basic",
        month_cents=999,
        year_cents=9990,
        conversions=1_000,
        storage_bytes=10 * GB,
        requests_per_hour=5_000,
        file_bytes=500 * MB,
        concurrency=5,
        retention_hours=72,
        weight=2,
        features=BASIC,
    ),
    PlanTerms(
        code="professional",
        name="Professional",
        month_cents=2999,
        year_cents=29990,
        conversions=10_000,
        storage_bytes=100 * GB,
        requests_per_hour=20_000,
        file_bytes=2 * GB,
        concurrency=20,
        retention_hours=720,
        weight=4,
        features=PROFESSIONAL,
    ),
    PlanTerms(
        code="enterprise",
        name="Enterprise",
        month_cents=None,
        year_cents=None,
        conversions=None,
        storage_bytes=None,
        requests_per_hour=None,
        file_bytes=2 * GB,
        concurrency=50,
        retention_hours=2160,
        weight=8,
        features=ENTERPRISE,
    ),
)
FREE = "free"
METER = "conversions"


def month_of(moment: datetime) -> tuple[datetime, datetime]:
    """First instant of the UTC month and of the next one."""
    start = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    year, month = moment.year + moment.month // 12, moment.month % 12 + 1
    return start, datetime(year, month, 1, tzinfo=UTC)
