"""What a PDF claims of its pages, before a program is let loose on them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conversions.engines.page_ranges import pages_of
from conversions.engines.program import run_program
from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded

MAX_PAGES = 5_000
MAX_SIDE_PT = 14_400
MAX_PIXELS = 268_000_000
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
        if "Incorrect password" in error.detail:
            locked = "The PDF is locked; a password is needed."
            text = "The password does not open the PDF." if call.password else locked
            code = "password_wrong" if call.password else "file_encrypted"
            raise InputRejected(text, code=code, detail=error.detail) from error
        text = "The PDF is damaged or cut off."
        raise InputRejected(text, detail=error.detail) from error
    count = next((int(line.split()[1]) for line in lines if line.startswith("Pages:")), 0)
    sizes = [(float(m[2]), float(m[3])) for line in lines if (m := _SIZE.match(line))]
    if not count or not any(map(max, sizes)):
        raise InputRejected("The PDF has no pages.")
    if count > MAX_PAGES:
        raise LimitExceeded(f"The PDF has {count} pages; at most {MAX_PAGES} are allowed.")
    widest = max(max(size) for size in sizes)
    if widest > MAX_SIDE_PT:
        raise LimitExceeded(f"A page is {widest:.0f} pt long; at most {MAX_SIDE_PT} are allowed.")
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
