"""What a PDF claims of its pages, before a program is let loose on them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conversions.engines.page_ranges import pages_of
from conversions.engines.pdf_open import MAX_PAGES, check_count, check_side, damaged, locked
from conversions.engines.program import run_program
from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded

MAX_PIXELS = 268_000_000
NO_TEXT = "The PDF has no text layer; it may be a scan."
_SIZE = re.compile(r"^Page\s+(\d+) size:\s+([\d.]+) x ([\d.]+) pts")


@dataclass(frozen=True, kw_only=True)
class Pages:
    """Count, and the largest side and area among the pages that were looked at."""

    count: int
    widest_pt: float
    largest_pt2: float

    def check_pixels(self, dpi: int) -> None:
        """Refuse pictures that no one could open."""
        if self.largest_pt2 * (dpi / 72) ** 2 > MAX_PIXELS:
            raise LimitExceeded("A page would have more than 268 megapixels; choose a lower dpi.")


def password_arguments(call: EngineCall) -> list[str]:
    """Poppler's words for the password, if there is one."""
    return ["-upw", call.password] if call.password else []


def look(call: EngineCall) -> Pages:
    """Ask pdfinfo; locked, damaged and oversized files are refused."""
    lines: list[str] = []
    argv = ["pdfinfo", *password_arguments(call), "-l", str(MAX_PAGES), str(call.source)]
    try:
        run_program(call, argv, profile="page", name="Poppler", on_line=lines.append)
    except InputRejected as error:
        locked_out = "Incorrect password" in error.detail
        raise (
            locked(call.password, error.detail) if locked_out else damaged(error.detail)
        ) from error
    count = next((int(line.split()[1]) for line in lines if line.startswith("Pages:")), 0)
    sizes = [(float(m[2]), float(m[3])) for line in lines if (m := _SIZE.match(line))]
    check_count(count if any(map(max, sizes)) else 0)
    widest = max(max(size) for size in sizes)
    check_side(widest)
    return Pages(count=count, widest_pt=widest, largest_pt2=max(w * h for w, h in sizes))


def runs(text: str | None, count: int) -> list[tuple[int, int]]:
    """The chosen pages as (first, last) pairs, from 1, neighbours joined."""
    found: list[tuple[int, int]] = []
    for number in (page + 1 for page in pages_of(text, count)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
