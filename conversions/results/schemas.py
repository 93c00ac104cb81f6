"""Shapes of the routes of signed addresses."""

from __future__ import annotations

from datetime import datetime

from ninja import Field, Schema

LONGEST_S = 7 * 24 * 3600


class LinkIn(Schema):
    """How long an address works."""

    expires_in_seconds: int = Field(3600, ge=1, le=LONGEST_S)
    once: bool = Field(default=False, description="The first download uses it up.")
    output: int = Field(0, ge=0, le=100_000, description="Which result, counted from 0.")


class LinkOut(Schema):
    """An address that needs no credentials until its end."""

    url: str
    expires_at: datetime
    once: bool
