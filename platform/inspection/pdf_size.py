"""How large a PDF's pages are and how many, without painting one. Called inside the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_PAGES = 5_000
MOST_POINTS = 14_400  # per side: what readers of PDF 1.6 and older can show, 200 inches
PRELOAD = ("inspection.pdf_size", "pikepdf")


def limits_met(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """{pages, longest_side_pt} of ``{path, password}``; sides only up to the most pages.

    Empty when the file does not open: whoever reads it says why.
    """
    import pikepdf  # noqa: PLC0415 (loaded in the warm parent only)

    try:
        with pikepdf.open(
            Path(payload["path"]), password=payload.get("password") or ""
        ) as document:
            pages = len(document.pages)
            sides = [_longest_side(page) for page in list(document.pages)[:MOST_PAGES]]
    except (pikepdf.PdfError, pikepdf.PasswordError, RecursionError, ValueError, TypeError):
        return {}
    return {"pages": pages, "longest_side_pt": max(sides, default=0.0)}


def _longest_side(page: Any) -> float:
    """A page's longer side as it is shown, in points."""
    left, bottom, right, top = (float(one) for one in page.cropbox)
    unit = float(page.obj.get("/UserUnit", 1))
    return max(abs(right - left), abs(top - bottom)) * unit
