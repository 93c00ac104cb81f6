"""The rules of verification, pure: facts before and after in, checks out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from conversions.verification import documents, plain
from conversions.verification.documents import range_count
from conversions.verification.drawings import drawing, same_drawing
from conversions.verification.looks import (
    picture_on_page,
    same_frames,
    same_look,
    same_painted_pages,
    same_scenes,
)
from conversions.verification.mailboxes import mails
from conversions.verification.media import animation, film, recording, silent_film
from conversions.verification.order import in_order
from conversions.verification.raws import developed
from conversions.verification.sounds import same_sound
from conversions.verification.tables import ONE_SHEET, slides, tables
from conversions.verification.terms import Check, Compared, Rule
from conversions.verification.values import same_values
from inspection.facts_light import CODES as LIGHT
from inspection.facts_metafiles import CODES as METAFILES
from inspection.formats import BY_CODE
from inspection.raws import CODES as RAWS
from inspection.texts import PLAIN

_PAGED = {"tiff", "dcx"}
_HOLDS_PAGES = {"tiff"}
_MOVING = {"gif", "webp", "png", "apng", "avif"}
_PICTURES = {"image", "vector"}
_POSTSCRIPT = {"ps", "eps"}
_DECKS = {"pptx", "pptm", "potx", "ppsx", "odp", "otp", "fodp"}
_SILENT = {"m2v", "ivf"}


def expected_size(width: int, height: int, options: Mapping[str, Any]) -> tuple[int, int]:
    """What width, height and fit make of a picture's size."""
    wide, high = options.get("width"), options.get("height")
    if not wide and not high:
        return width, height
    wide = wide or max(1, round((high or height) * width / height))
    high = high or max(1, round(wide * height / width))
    if options.get("fit", "max") == "max":
        share = min(wide / width, high / height, 1.0)
        return max(1, round(width * share)), max(1, round(height * share))
    return wide, high


def _dimensions(c: Compared) -> Iterator[Check]:
    one = c.after[0]
    if not one.get("width"):
        yield Check(name="readable", ok=False, expected="a picture", actual="no size in it")
        return
    if not c.before.get("width"):
        return
    wide, high = expected_size(c.before["width"], c.before["height"], c.options)
    if c.output_format == "ico" and max(wide, high) > 256:
        share = 256 / max(wide, high)
        wide, high = max(1, round(wide * share)), max(1, round(high * share))
    if c.output_format == "icns":
        wide = high = c.after[0]["height"]  # always square, in sizes of its own
    close = abs(one["width"] - wide) <= 1 and abs(one["height"] - high) <= 1
    actual = f"{one['width']}×{one['height']}"
    yield Check(name="dimensions", ok=close, expected=f"{wide}×{high}", actual=actual)


def _frames(c: Compared) -> Iterator[Check]:
    frames = int(c.before.get("frames") or 1)
    if c.source_format in _PAGED and c.output_format not in _HOLDS_PAGES:
        yield Check(name="pages", ok=len(c.after) == frames, expected=frames, actual=len(c.after))
        return
    keeps = c.output_format in _MOVING | _HOLDS_PAGES
    actual = int(c.after[0].get("frames") or 1)
    expected = frames if keeps else 1
    # Savers merge neighbours that are equal, so a few frames may go without a loss to the eye.
    same = actual == expected
    near = keeps and 1 <= actual < expected and c.output_format in _MOVING
    note = "equal neighbouring frames may have been merged" if near and not same else ""
    half = near and actual * 2 <= expected and (c.before.get("contrast") or 0) > 1
    yield Check(
        name="frames",
        ok=same,
        expected=expected,
        actual=actual,
        note=note,
        severe=half or not near,
    )


def _apart(old: list[int], new: list[int]) -> float:
    return sum(abs(a - b) for a, b in zip(old, new, strict=True)) / len(old)


def _likeness(c: Compared) -> Iterator[Check]:
    old, new = c.before.get("likeness"), c.after[0].get("likeness")
    if not old or not new:
        return
    was, now = float(c.before["contrast"]), float(c.after[0]["contrast"])
    blank = was > 3 and now < 0.5
    yield Check(name="not_blank", ok=not blank, expected=round(was, 1), actual=round(now, 1))
    # An animated PNG may begin with a still for old viewers; a few pixels say nothing.
    if c.before["frames"] > 1 and c.source_format in ("png", "apng"):
        return
    if c.output_format == "icns" and c.before["width"] != c.before["height"]:
        return  # it has margins now
    if c.before["width"] * c.before["height"] < 64:
        return
    own_ground = c.options.get("background", "#ffffff").lower() != "#ffffff"
    if c.options.get("fit") == "crop" or own_ground:
        return
    apart = _apart(old, new)
    if c.after[0].get("alpha_ignored") and c.before.get("likeness_flat"):
        apart = min(apart, _apart(c.before["likeness_flat"], new))
    if c.before.get("alpha_ignored") and c.after[0].get("likeness_flat"):
        apart = min(apart, _apart(old, c.after[0]["likeness_flat"]))
    yield Check(
        name="looks_alike",
        ok=apart <= 20,
        expected="≤ 20 of 255 apart",
        actual=round(apart, 1),
        severe=apart > 60,
    )


def _picture_pages(c: Compared) -> Iterator[Check]:
    frames = int(c.before.get("frames") or 1)
    pages = c.total("pages")
    yield Check(name="pages", ok=pages == frames, expected=frames, actual=pages)
    blank = c.total("blank_pages")
    yield Check(name="not_blank", ok=not blank, expected=0, actual=blank)


def _document_pages(c: Compared) -> Iterator[Check]:
    pages = c.total("pages")
    wanted = c.options.get("page_range")
    expected = c.before.get("slides") if c.source_format in _DECKS else None
    if expected is not None:
        expected -= int(c.before.get("hidden_slides") or 0)
    expected = expected or c.claims.get("pages")
    if expected and wanted:
        expected = range_count(wanted, int(expected))
    ok = pages == expected if expected else pages > 0
    yield Check(name="pages", ok=ok, expected=expected or "≥ 1", actual=pages)
    locked = any(one.get("needs_password") for one in c.after)
    yield Check(name="opens_without_password", ok=not locked, expected=True, actual=not locked)
    filled = bool(c.before.get("text_chars") or c.before.get("images") or c.before.get("cells"))
    yield from documents.archive_form(c)
    blank = c.total("blank_pages")
    if filled:
        all_blank = bool(pages) and blank >= int(c.total("pages_looked_at") or pages)
        yield Check(
            name="not_blank",
            ok=blank == 0,
            expected=0,
            actual=blank,
            severe=all_blank,
            note="blank pages" if blank else "",
        )


def _text(fails_below: float, warns_below: float) -> Rule:
    def rule(c: Compared) -> Iterator[Check]:
        found = {word for one in c.after for word in _all_words(one)}
        # A message may say the same in two ways: one of them is enough.
        share, words = max(
            ((_share(c, text, found), set(text.get("words") or ())) for text in _texts(c)),
            key=lambda pair: pair[0],
        )
        if not words:
            yield from _letters(c)
        if not words or c.options.get("user_password"):
            return
        part = c.options.get("page_range") or c.options.get("sheet")
        # Formats of one sheet: the first is kept, and the rule for tables warns of the others.
        part = part or (c.output_format in ONE_SHEET and int(c.before.get("sheets") or 1) > 1)
        least = fails_below if len(words) >= 20 else 0.3  # a few words are no statistics
        # What is hidden stays out of pages, and of markup, which is made of what is seen.
        kept = BY_CODE[c.output_format].family in ("spreadsheet", "data")
        unprinted = bool(c.before.get("unprinted")) and not kept
        none = not found and not c.total("text_chars")
        severe = none if part or unprinted or len(words) < 4 else share < least
        yield Check(
            name="text_kept",
            ok=share >= warns_below or bool(part and found),
            expected=f"≥ {warns_below:.0%} of {len(words)} words",
            actual=f"{share:.0%}",
            note="hidden cells and those beyond the print area stay out" if unprinted else "",
            severe=severe,
        )

    return rule


def _drawn_words(c: Compared) -> Iterator[Check]:
    """Words of a drawing stand letter by letter at times: what is missed is only a warning."""
    for check in _text(0.3, 0.8)(c):
        yield replace(check, severe=False)


def _letters(c: Compared) -> Iterator[Check]:
    """Of a text without a word of three letters: about as many signs as before."""
    was, now = int(c.before.get("text_chars") or 0), c.total("text_chars")
    asked = c.options.get("page_range") or c.options.get("user_password")
    if BY_CODE[c.source_format].family in ("document", "markup", "presentation") and not asked:
        few = was >= 4 and now < 0.5 * was
        yield Check(name="signs_kept", ok=not few, expected=was, actual=now, severe=False)


def _texts(c: Compared) -> list[Mapping[str, Any]]:
    return [c.before, c.before["other"]] if c.before.get("other") else [c.before]


def _all_words(one: Mapping[str, Any]) -> list[str]:
    return [*(one.get("words") or ()), *(one.get("aside") or ())]


def _share(c: Compared, text: Mapping[str, Any], found: set[str]) -> float:
    """How much of a text is in the result: of its distinct words, and of their number."""
    words, count = set(text.get("words") or ()), int(text.get("word_count") or 0)
    kept = len(words & found) / len(words) if words else 0.0
    now = c.total("word_count") + c.total("aside_count")
    if BY_CODE[c.source_format].family == "data":  # each record names its fields, a table once
        return kept
    return min(kept, now / count if count else 1.0)


def _plain(name: str) -> str:
    word = name.replace("&apos;", "").replace(" ", "").replace("-", "").casefold()
    return word.removesuffix("mt").removesuffix("ps")


# Fonts of the same widths, so that lines and pages break where they did.
_TWINS = {
    "calibri": "carlito",
    "cambria": "caladea",
    "arial": "liberationsans",
    "timesnewroman": "liberationserif",
    "couriernew": "liberationmono",
    "helvetica": "liberationsans",
    "times": "liberationserif",
}
_UNSEEN = {"symbol", "wingdings", "msmincho", "cambriamath", "arialunicodems"}  # single signs


def _fonts(c: Compared) -> Iterator[Check]:
    asked = {_plain(name): name for name in c.before.get("fonts") or () if name[0].isalpha()}
    used = {_plain(font) for one in c.after for font in one.get("fonts") or ()}
    if not asked or not used:
        return
    missing = [
        name
        for word, name in asked.items()
        if not any(font.startswith((word[:8], _TWINS.get(word, word))) for font in used)
        and word not in _UNSEEN
    ]
    yield Check(
        name="fonts",
        ok=not missing,
        expected="the document's own fonts",
        severe=False,
        actual=f"replaced or unused: {', '.join(missing[:8])}" if missing else "kept",
    )


def has_text(c: Compared) -> Iterator[Check]:
    """A text without a letter is right only where the source is known to hold none."""
    if c.output_format not in PLAIN or c.total("text_chars"):
        return
    if any("text_chars" not in one for one in c.after):
        return
    none = c.before.get("text_chars") == 0 and not c.before.get("cells")
    note = "the source holds no text" if none else ""
    yield Check(
        name="not_empty", ok=False, expected="text", actual="none", note=note, severe=not none
    )


def _has_content(c: Compared) -> Iterator[Check]:
    filled = c.total("text_chars") + c.total("images")
    if c.before.get("text_chars") or (c.source_format == "pdf" and c.output_format == "docx"):
        yield Check(name="not_blank", ok=filled > 0, expected="text or pictures", actual=filled)


def _page_rules(source_format: str, output_format: str) -> tuple[Rule, ...] | None:
    """Rules where a page description stands at either end."""
    pictures = BY_CODE[output_format].family in _PICTURES
    if output_format in _POSTSCRIPT:
        return (documents.drawn_pages,)
    if source_format in _POSTSCRIPT:
        if output_format == "pdf":
            return (_document_pages,)
        return (documents.page_pictures,) if pictures else None
    if source_format != "pdf":
        return None
    if output_format == "pdf":
        return (documents.same_pdf, _text(0.75, 0.9), same_painted_pages)
    return (documents.page_pictures, same_painted_pages) if pictures else None


def _content_rules(before: str, output_format: str) -> tuple[Rule, ...]:
    """Rules of what holds text: documents, sheets, slides, markup."""
    if output_format == "pdf":
        # Sheets print numbers as formatted and cut at the page: fewer words survive as words.
        share = (0.25, 0.9) if before == "spreadsheet" else (0.75, 0.9)
        ordered = () if before in ("spreadsheet", "data") else (in_order,)
        return (_document_pages, _text(*share), _fonts, documents.no_boxes, *ordered)
    if before == "spreadsheet":
        return (tables, same_values, _text(0.7, 0.95))
    if before == "presentation":
        return (slides, _text(0.75, 0.98), in_order)
    return (_has_content, _text(0.75, 0.9), in_order)


_BY_TARGET: dict[str, tuple[Rule, ...]] = {
    "audio": (recording, same_sound),
    "font": (plain.font,),
    "subtitle": (plain.subtitles, _text(0.9, 0.98)),
    "email": (plain.message, _text(0.9, 0.98)),
    "archive": (documents.archive,),
    "ebook": (documents.book, _text(0.75, 0.9), in_order),
}
_BY_SOURCE: dict[str, tuple[Rule, ...]] = {
    "vector": (drawing, same_drawing),
    "subtitle": (_text(0.9, 0.98),),
    "email": (_text(0.9, 0.98),),
}


def rules_for(source_format: str, output_format: str) -> tuple[Rule, ...]:
    """The rules of a pair, by the families of both ends."""
    before, after = BY_CODE[source_format].family, BY_CODE[output_format].family
    rules = _own_rules(source_format, output_format) or _page_rules(source_format, output_format)
    rules = rules or _BY_TARGET.get(after)
    if rules:
        return rules
    if before in _BY_SOURCE:
        return _BY_SOURCE[before]
    if after == "video" or before == "video":
        return _moving_rules(source_format, output_format, after)
    if before == "image":
        return _picture_rules(source_format, output_format, after)
    delimited = source_format in ("csv", "tsv", "psv")
    if "data" in (before, after) and before != "presentation" and output_format != "ipynb":
        tabled = output_format == "json" and before == "spreadsheet" and not delimited
        return _content_rules(before, output_format) if tabled else (plain.data, same_values)
    return _content_rules(before, output_format)


def _own_rules(source_format: str, output_format: str) -> tuple[Rule, ...] | None:
    """Rules of sources that are like no others of their family."""
    if source_format == "mbox":
        listed = BY_CODE[output_format].family in ("archive", "spreadsheet", "data")
        return (mails,) if listed else (mails, _text(0.9, 0.98))
    drawn = source_format in METAFILES and output_format == "pdf"
    return (drawing, same_drawing, _drawn_words) if drawn else None


def _moving_rules(source_format: str, output_format: str, after: str) -> tuple[Rule, ...]:
    """Rules of films, and of animations made from them."""
    if after != "video":
        return (animation,)
    silent = output_format in _SILENT or source_format == "gif"
    length = silent_film if silent else recording
    return (length, film, same_scenes, same_sound)


_LOOKS: tuple[Rule, ...] = (_likeness, same_look, same_frames)


def _picture_rules(source_format: str, output_format: str, after: str) -> tuple[Rule, ...]:
    """Rules of pictures: as pages, as text that was read from them, as pictures."""
    if output_format == "pdf":
        return (_picture_pages, picture_on_page)
    reads = after in ("document", "markup")
    looks = (developed,) if source_format in (*RAWS, *LIGHT) else _LOOKS
    return (documents.read_text,) if reads else (_dimensions, _frames, *looks)
