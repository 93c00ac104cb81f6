"""Shapes of the billing routes."""

from __future__ import annotations

from typing import Any

from ninja import Schema


class PlanOut(Schema):
    """A plan."""

    code: str
    name: str
    prices: dict[str, int | str | None]
    limits: dict[str, int | None]
    features: list[str]


class PlanListOut(Schema):
    """Every plan."""

    items: list[PlanOut]
    next: str | None = None
    previous: str | None = None


class SubscriptionOut(Schema):
    """The caller's plan."""

    plan: str
    period: dict[str, Any]
