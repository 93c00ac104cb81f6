"""What PDF/A asks for and can be read from a file's objects. No whole validation (as veraPDF's is):
colours, glyphs' widths and the grammar of streams are not looked at. ISO 19005-1 and -2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NOTE = "own checks of the objects; not a full validation"
_ACTIONS = ("/JavaScript", "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData")
_DEEPEST = 8  # of dictionaries in dictionaries
_FILES = ("/FontFile", "/FontFile2", "/FontFile3")


def faults(path: Path, part: str) -> list[str]:
    """What stands against PDF/A of a part ("1" or "2"), each once; empty when nothing does."""
    import pikepdf  # noqa: PLC0415 (loaded in the warm parent only)

    with pikepdf.open(path) as document:
        found = dict.fromkeys(_of_file(document, part))
        for one in document.objects:
            for entries in _dictionaries(one, pikepdf, _DEEPEST):
                found |= dict.fromkeys(_of_object(entries, part))
    return list(found)


def _dictionaries(one: Any, library: Any, depth: int) -> Iterator[Any]:
    """An object's own dictionary and those inside of it; what it refers to comes by itself."""
    if isinstance(one, library.Stream):
        one = one.stream_dict
    if isinstance(one, library.Dictionary):
        yield one
        inside = [value for _, value in one.items()]
    else:
        inside = list(one) if isinstance(one, library.Array) else []
    for value in inside if depth else ():
        if isinstance(value, library.Object) and not value.is_indirect:
            yield from _dictionaries(value, library, depth - 1)


def _of_file(document: Any, part: str) -> Iterator[str]:
    root = document.Root
    if document.is_encrypted:
        yield "encrypted"
    if "/ID" not in document.trailer:
        yield "no file identifier"
    if not any(_is_intent(one) for one in root.get("/OutputIntents", [])):
        yield "no output intent with a colour profile"
    if part == "1" and "/Filter" in root.get("/Metadata", {}):
        yield "compressed metadata"
    names = root.get("/Names", {})
    if "/JavaScript" in names:
        yield "scripts"
    if "/EmbeddedFiles" in names:
        yield "attached files"


def _is_intent(intent: Any) -> bool:
    profile = intent.get("/DestOutputProfile")
    named = str(intent.get("/S")) == "/GTS_PDFA1"
    return bool(named and profile is not None and profile.read_bytes()[36:40] == b"acsp")


def _of_object(entries: Any, part: str) -> Iterator[str]:
    rules: tuple[tuple[str, Callable[[Any], bool]], ...] = (
        ("actions", lambda one: str(one.get("/S")) in _ACTIONS),
        ("LZW compression", lambda one: "/LZWDecode" in str(one.get("/Filter"))),
        ("fonts that are not embedded", _is_bare_font),
    )
    if part == "1":
        rules += (("transparency", _is_transparent),)
    yield from (words for words, applies in rules if applies(entries))


def _is_bare_font(one: Any) -> bool:
    """Fonts without a descriptor's file; Type 3 has its glyphs inside, Type 0 in a descendant."""
    if str(one.get("/Type")) != "/Font" or str(one.get("/Subtype")) in ("/Type3", "/Type0"):
        return False
    described = one.get("/FontDescriptor", {})
    return not any(name in described for name in _FILES)


def _is_transparent(one: Any) -> bool:
    mask = one.get("/SMask")
    if mask is not None and str(mask) != "/None":
        return True
    if str(one.get("/BM", "/Normal")) not in ("/Normal", "/Compatible"):
        return True
    if str(one.get("/Type")) == "/ExtGState" and any(
        float(one.get(name, 1)) < 1 for name in ("/CA", "/ca")
    ):
        return True
    return str(one.get("/S")) == "/Transparency"
