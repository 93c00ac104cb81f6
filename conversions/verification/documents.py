"""Rules for markup, e-books, archives, pages as pictures, and work on PDFs themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from conversions.verification.terms import Check, Compared
from inspection import pdfa


def range_count(text: str, pages: int) -> int:
    """How many pages a range such as ``1-3,5`` names in a document."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), min(int(last or first), pages) + 1))
    return len(found)


def page_pictures(c: Compared) -> Iterator[Check]:
    """One picture per page, in the size that the page and the dpi make, and not blank."""
    pages = int(c.before.get("pages") or c.claims.get("pages") or len(c.after))
    wanted = c.options.get("page_range")
    expected = range_count(wanted, pages) if wanted else pages
    yield Check(name="pages", ok=len(c.after) == expected, expected=expected, actual=len(c.after))
    if c.output_format == "svg":
        empty = sum(not one.get("shapes") for one in c.after)
    else:
        empty = sum(float(one["contrast"]) < 0.05 for one in c.after if "contrast" in one)
    plain = sum(_is_plain(look) for look in c.before.get("page_looks") or ())
    allowed = max(int(c.before.get("blank_pages") or 0), plain)
    yield Check(name="not_blank", ok=empty <= allowed, expected=f"≤ {allowed}", actual=empty)
    yield from _page_size(c)


def _is_plain(look: Mapping[str, Any]) -> bool:
    """A page of one colour, as an empty slide paints it."""
    return bool(max(look["grid"]) == min(look["grid"]))


def _page_size(c: Compared) -> Iterator[Check]:
    wide, high = c.before.get("width_pt"), c.before.get("height_pt")
    one = c.after[0]
    if not wide or not high or not one.get("width") or c.options.get("page_range"):
        return
    if c.output_format in ("ico", "icns"):  # of sizes of their own
        return
    # A drawing's own unit is the CSS pixel, 96 to the inch, whatever the dpi.
    share = (96 if c.output_format == "svg" else int(c.options.get("dpi") or 150)) / 72
    expected = round(float(wide) * share), round(float(high) * share)
    actual = int(one["width"]), int(one["height"])
    # Boxes of PostScript are whole points.
    allowed = 2 if c.source_format == "pdf" else 2 + round(1.5 * share)
    close = all(abs(a - b) <= allowed for a, b in zip(expected, actual, strict=True))
    words = "×".join(map(str, expected)), "×".join(map(str, actual))
    yield Check(name="dimensions", ok=close, expected=words[0], actual=words[1])


def same_pdf(c: Compared) -> Iterator[Check]:
    """A PDF made of a PDF: pages, their content, and the lock that was asked for."""
    locked = bool(c.options.get("user_password"))
    found = [bool(one.get("needs_password")) for one in c.after]
    same = all(one is locked for one in found)
    yield Check(name="lock", ok=same, expected=locked, actual=any(found))
    if locked or not same:
        return
    pages, wanted = int(c.before.get("pages") or 0), c.options.get("page_range")
    chooses = bool(wanted) and "language" not in c.options  # OCR keeps every page
    expected = range_count(str(wanted), pages) if chooses else pages
    if pages:
        actual = c.total("pages")
        yield Check(name="pages", ok=actual == expected, expected=expected, actual=actual)
    blank, allowed = c.total("blank_pages"), int(c.before.get("blank_pages") or 0)
    yield Check(name="not_blank", ok=blank <= allowed, expected=f"≤ {allowed}", actual=blank)
    yield from archive_form(c)
    if c.claims.get("ocr_words"):
        words = c.total("text_chars")
        yield Check(name="text_found", ok=words > 0, expected="words", actual=words)


def archive_form(c: Compared) -> Iterator[Check]:
    """The PDF/A that was asked for: claimed by the file, and nothing that stands against it."""
    asked = str(c.options.get("pdfa") or "none").upper()
    if asked == "NONE":
        return
    form, faults = str(c.after[0].get("pdfa") or ""), c.after[0].get("pdfa_faults") or []
    # Level A and U ask for all that B asks, and more.
    ok = form[:1] == asked[0] and form[1:] in ("A", "B", "U") and not faults
    actual = f"{form}: {', '.join(faults)}" if faults else form
    yield Check(name="pdfa", ok=ok, expected=asked, actual=actual, note=pdfa.NOTE)


def no_boxes(c: Compared) -> Iterator[Check]:
    """Letters that no font here has are painted as boxes, though the text below stays."""
    boxes, letters = c.total("boxes"), c.total("letters")
    if letters:
        yield Check(
            name="letters_shown",
            ok=not boxes,
            expected="every letter",
            actual=f"{boxes} of {letters} are boxes" if boxes else "every letter",
            severe=boxes > max(3, 0.1 * letters),
        )


def read_text(c: Compared) -> Iterator[Check]:
    """OCR: as many words as the engine says that it read."""
    claimed, found = int(c.claims.get("ocr_words") or 0), c.total("text_chars")
    yield Check(name="text_found", ok=found > 0, expected="text", actual=found)
    least = claimed // 2
    yield Check(name="words", ok=found >= least, expected=f"≥ {least}", actual=found)


def drawn_pages(c: Compared) -> Iterator[Check]:
    """PostScript: as many pages as before, and an end."""
    one = c.after[0]
    whole = bool(one.get("whole", True))
    yield Check(name="whole", ok=whole, expected=True, actual=whole)
    pages, wanted = c.before.get("pages"), c.options.get("page_range")
    expected = range_count(wanted, int(pages)) if pages and wanted else pages
    actual = len(c.after) if c.output_format == "eps" else one.get("pages")
    wide, high = c.before.get("width_pt"), c.before.get("height_pt")
    if wide and high and one.get("width_pt"):
        most = max(float(wide), float(high)) + 4
        found = max(float(one["width_pt"]), float(one["height_pt"]))
        yield Check(name="page_size", ok=found <= most, expected=f"≤ {most:.0f} pt", actual=found)
    if expected and actual is not None:
        yield Check(name="pages", ok=actual == expected, expected=expected, actual=actual)


def book(c: Compared) -> Iterator[Check]:
    """Chapters that are there, the title, pictures."""
    one = c.after[0]
    if c.output_format == "epub":
        spine = int(one.get("spine") or 0)
        yield Check(name="chapters", ok=spine > 0, expected="≥ 1", actual=spine)
    filled = c.total("text_chars") + c.total("images")
    yield Check(name="not_blank", ok=filled > 0, expected="text or pictures", actual=filled)
    title = str(c.options.get("title") or c.before.get("title") or "").strip()
    if title and one.get("title") is not None and c.output_format != "pdb":
        same = str(one["title"]).strip() == title
        yield Check(name="title", ok=same, expected=title, actual=one["title"], severe=False)


def archive(c: Compared) -> Iterator[Check]:
    """The same files with the same contents."""
    if "files" not in c.before:
        entries, claimed = c.total("entries"), int(c.claims.get("entries") or 0)
        yield Check(name="entries", ok=entries == claimed, expected=claimed, actual=entries)
        return
    before = [tuple(item) for item in c.before["files"]]
    after = [tuple(item) for one in c.after for item in one.get("files") or ()]
    yield Check(
        name="entries", ok=len(before) == len(after), expected=len(before), actual=len(after)
    )
    was, now = (Counter(item[1:] for item in items) for items in (before, after))
    lost = sum((was - now).values())
    yield Check(name="contents", ok=not lost, expected="the same contents", actual=f"{lost} differ")
    names = {item[0] for item in after}
    if "" in names or any(not item[0] for item in before):
        return  # a compressed single file has no name
    named = {item[0] for item in before} <= names
    free = c.output_format == "iso"  # its names are limited
    yield Check(name="names", ok=named, expected="the same names", actual=named, severe=not free)
