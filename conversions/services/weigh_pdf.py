"""PDFs over the limits of API.md "Odd files" are refused before anything is stored."""

from __future__ import annotations

from pathlib import Path

from conversions.errors import LimitExceeded
from inspection import pdf_size
from sandbox import pool
from sandbox.outcomes import SandboxError


def refuse_large_pdf(path: Path, filename: str, password: str | None) -> None:
    """Raise LimitExceeded naming the limit. A file that can't be read is left to its engine."""
    try:
        returned = pool.server(pdf_size.PRELOAD).call(
            "inspection.pdf_size:limits_met",
            {"path": str(path), "password": password},
            profile="inspect",
            readable=(path,),
        )
    except SandboxError:
        return
    pages = returned.value.get("pages", 0)
    side = returned.value.get("longest_side_pt", 0)
    if pages > pdf_size.MOST_PAGES:
        raise LimitExceeded(
            f"{filename} has {pages:,} pages, the limit is {pdf_size.MOST_PAGES:,}. "
            "Split it and send the parts."
        )
    if side > pdf_size.MOST_POINTS:
        raise LimitExceeded(
            f"{filename} has a page of {side:,.0f} points on one side, the limit is "
            f"{pdf_size.MOST_POINTS:,}. Scale it down and try again."
        )
