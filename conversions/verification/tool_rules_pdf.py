"""The rules for what tools make of PDFs: pages, looks, words, locks, bookmarks."""

from __future__ import annotations

from collections.abc import Iterator

from conversions.verification.terms import Check
from conversions.verification.tool_seen import Rule, Seen, apart, cleaned, no_larger, same_count


def page_numbers(text: str | None, count: int) -> list[int]:
    """Zero-based numbers of ``1-3,5``."""
    if not text:
        return list(range(count))
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first) - 1, min(int(last or first), count)))
    return sorted(found)


def _looks(seen: Seen, wanted: list[list[int]], found: list[list[int]], most: float) -> Check:
    pairs = list(zip(wanted, found, strict=False))
    worst = max((apart(a, b) for a, b in pairs), default=0.0)
    return Check(
        name="looks_alike", ok=worst <= most, expected=f"≤ {most} of 255", actual=round(worst, 1)
    )


def same_pages(most: float = 3.0) -> Rule:
    """As many pages as before, looking the same, with the same words."""

    def rule(seen: Seen) -> Iterator[Check]:
        before, after = seen.before[0], seen.after[0]
        if "error" in before or not before.get("pages"):
            yield Check(name="pages", ok=after["pages"] > 0, expected="≥ 1", actual=after["pages"])
            return
        yield same_count("pages", before["pages"], after["pages"])
        if "looks" not in after:  # it does not open
            return
        yield _looks(seen, before["looks"], after["looks"], most)
        yield from _words(set(before.get("words") or ()), seen)

    return rule


def _words(wanted: set[str], seen: Seen, least: float = 0.98) -> Iterator[Check]:
    found: set[str] = set()
    for one in seen.after:
        found |= set(one.get("words") or ())
    if wanted:
        share = len(wanted & found) / len(wanted)
        expected = f"≥ {least:.0%} of {len(wanted)} words"
        yield Check(name="text_kept", ok=share >= least, expected=expected, actual=f"{share:.0%}")


def _merged(seen: Seen) -> Iterator[Check]:
    after = seen.after[0]
    yield same_count("pages", sum(one.get("pages", 0) for one in seen.before), after["pages"])
    looks = [look for one in seen.before for look in one.get("looks", ())]
    if all(one.get("pages", 0) == len(one.get("looks", ())) for one in seen.before):
        yield _looks(seen, looks, after["looks"], 3.0)
    yield from _words({word for one in seen.before for word in one.get("words") or ()}, seen)
    if seen.options.get("bookmarks", "keep") != "none":
        marks, offset = [], 0
        for one in seen.before:
            marks += [(title, offset + max(page, 1)) for _, title, page in one.get("outline", ())]
            offset += one.get("pages", 0)
        found = [(title, page) for _, title, page in after["outline"]]
        lost = [mark for mark in marks if mark not in found]
        yield Check(
            name="bookmarks",
            ok=not lost,
            expected=len(marks),
            actual=len(marks) - len(lost),
            severe=len(lost) * 2 > len(marks),
        )


def _parts(seen: Seen) -> list[list[int]]:
    before, options = seen.before[0], seen.options
    count = int(before["pages"])
    mode = options.get("mode", "every")
    if mode == "ranges":
        return [page_numbers(part, count) for part in str(options["ranges"]).split(",")]
    if mode == "every":
        step = int(options.get("every") or 1)
        return [list(range(n, min(n + step, count))) for n in range(0, count, step)]
    starts = sorted({0, *(max(page, 1) - 1 for level, _, page in before["outline"] if level == 1)})
    return [list(range(a, b)) for a, b in zip(starts, [*starts[1:], count], strict=True)]


def _split(seen: Seen) -> Iterator[Check]:
    parts = _parts(seen)
    counts = [one["pages"] for one in seen.after]
    expected = [len(part) for part in parts]
    yield Check(name="pages", ok=counts == expected, expected=expected, actual=counts)
    if counts != expected:
        return
    looks = seen.before[0]["looks"]
    pairs = [
        (looks[number], one["looks"][place])
        for part, one in zip(parts, seen.after, strict=True)
        for place, number in enumerate(part)
        if number < len(looks) and place < len(one["looks"])
    ]
    yield _looks(seen, [a for a, _ in pairs], [b for _, b in pairs], 3.0)
    if {number for part in parts for number in part} == set(range(seen.before[0]["pages"])):
        yield from _words(set(seen.before[0].get("words") or ()), seen, 0.95)


def _turned(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    yield same_count("pages", before["pages"], after["pages"])
    chosen = set(page_numbers(seen.options.get("page_range"), before["pages"]))
    angle = int(seen.options.get("angle") or 90)
    expected = [
        (turn + angle * (number in chosen)) % 360 for number, turn in enumerate(before["turns"])
    ]
    actual = [turn % 360 for turn in after["turns"]]
    yield Check(name="rotation", ok=expected == actual, expected=expected[:20], actual=actual[:20])
    yield from _words(set(before.get("words") or ()), seen)


def _locked(seen: Seen) -> Iterator[Check]:
    after = seen.after[0]
    yield Check(
        name="needs_password",
        ok=bool(after.get("needs_password")),
        expected=True,
        actual=after.get("needs_password"),
    )
    lock = str(after.get("encryption") or "")
    yield Check(
        name="encryption", ok="AES" in lock and "256" in lock, expected="AES-256", actual=lock
    )


def _unlocked(seen: Seen) -> Iterator[Check]:
    lock = seen.after[0].get("encryption")
    free = not lock and not seen.after[0].get("needs_password")
    yield Check(name="no_encryption", ok=free, expected="none", actual=lock or "none")


def _marked(seen: Seen) -> Iterator[Check]:
    before, after = seen.before[0], seen.after[0]
    yield same_count("pages", before["pages"], after["pages"])
    yield from _words(set(before.get("words") or ()), seen)
    chosen = set(page_numbers(seen.options.get("page_range"), before["pages"]))
    pairs = list(enumerate(zip(before["looks"], after["looks"], strict=False)))
    unmarked = [n + 1 for n, (a, b) in pairs if n in chosen and apart(a, b) == 0]
    # Under a page that is painted all over (a scan) a mark can't be seen.
    under = seen.options.get("layer") == "under"
    yield Check(
        name="marked", ok=not unmarked, expected="every page", actual=unmarked, severe=not under
    )
    touched = [n + 1 for n, (a, b) in pairs if n not in chosen and apart(a, b) > 1]
    yield Check(name="others_untouched", ok=not touched, expected=[], actual=touched)


def _read_words(seen: Seen) -> Iterator[Check]:
    before = int(seen.before[0].get("word_count") or 0)
    after = int(seen.after[0].get("word_count") or 0)
    none = bool(seen.claims.get("read")) and after <= before
    yield Check(
        name="searchable",
        ok=after >= before and not none,
        expected=f"> {before} words",
        actual=after,
        note="no words were recognised" if none else "",
        severe=after < before,
    )


PDF_RULES: dict[str, tuple[Rule, ...]] = {
    "pdf_merge": (_merged,),
    "pdf_split": (_split,),
    "pdf_rotate": (_turned,),
    "pdf_compress": (same_pages(10.0), no_larger),
    "pdf_protect": (same_pages(), _locked),
    "pdf_unlock": (same_pages(), _unlocked),
    "pdf_watermark": (_marked,),
    "pdf_strip": (same_pages(), cleaned),
    "pdf_ocr": (same_pages(2.0), _read_words),
}
