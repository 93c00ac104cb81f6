"""Moments that callers write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator


def in_utc(value: datetime) -> datetime:
    """The same moment in UTC, which is also meant where no zone is said.

    PostgreSQL takes no offset of 16 hours and more, RFC 3339 does. Raises ValueError.
    """
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError as error:
        raise ValueError("lies beyond the years that have a number") from error


Moment = Annotated[datetime, AfterValidator(in_utc)]
