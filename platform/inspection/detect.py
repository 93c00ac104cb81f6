"""What a file is, decided by its content: cheaply, by heads and directories only."""

from __future__ import annotations

import threading
import unicodedata
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from inspection import isobmff, ole, raws, signatures_media, texts
from inspection.entities import plain_entities
from inspection.formats import (
    BY_CODE,
    BY_MEDIA_TYPE,
    Family,
    Format,
    added_format,
    by_filename,
    twins,
)
from inspection.packages import PackageFault, look
from inspection.signatures import by_signature
from inspection.text import decode_head, encoding_of, read_head

_HEAD = 64 * 1024
# A png named .jpg is taken for what it is; a pdf named .docx is refused.
_LENIENT = {"image", "vector", "audio", "video", "archive", "spreadsheet", "presentation"}
_LENIENT |= {"font", "subtitle"}
_FILM_OF_SOUND = {("ogg", "ogv"), ("oga", "ogv"), ("mka", "mkv"), ("weba", "webm")}
_TEXTS = {"document", "markup", "data", "subtitle", "email"}
# Excel locks the structure of a workbook by a password that everyone knows, and opens it without.
_MAYBE: dict[str, bool | None] = {"xls": None, "xlt": None}
_FILMS, _SOUNDS = ("mp4", "mov", "m4v", "3gp"), ("m4a", "m4b", "m4r")
_lock = threading.Lock()  # libmagic's cookie is not for two threads
_magic: Any = None


@dataclass(frozen=True, kw_only=True)
class Detection:
    """``format`` None: nothing that we know, or something that is refused (see the flags)."""

    format: str | None
    media_type: str
    family: Family | None
    confidence: float
    extension_matches: bool
    declared_format: str | None
    same_family: bool = False  # another type than its name says, but of a kind that we accept
    encrypted: bool = False
    needs_password: bool | None = False  # None: only opening tells (PDF locked by either password)
    empty: bool = False
    malicious: bool = False  # XML that declares entities
    archive_bomb: bool = False
    points_elsewhere: bool = False  # playlists and drawing scripts
    damaged: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Guess:
    code: str | None
    confidence: float = 0.95
    flags: tuple[tuple[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()


def media_type_by_libmagic(head: bytes) -> str:
    """libmagic's word on the first bytes."""
    import magic  # noqa: PLC0415 (loads 8 MB of rules; not for those who only name formats)

    global _magic  # noqa: PLW0603
    with _lock:
        if _magic is None:
            _magic = magic.Magic(mime=True)
        return str(_magic.from_buffer(head))


def detect(path: Path, filename: str) -> Detection:
    """Judge one file. Never raises for what is in it."""
    declared_row = by_filename(filename)
    declared = declared_row.code if declared_row else None
    head = read_head(path, _HEAD)
    if _is_empty(path, head):
        return Detection(
            format=None,
            media_type="application/x-empty",
            family=None,
            confidence=1.0,
            extension_matches=False,
            declared_format=declared,
            empty=True,
        )
    guess = _guess(path, head, declared)
    code = _named(guess.code, declared)
    if code in _FILMS and declared in _SOUNDS and isobmff.is_sound_alone(path):
        code = declared
    row = BY_CODE.get(code) if code else None
    media_type = row.media_types[0] if row else media_type_by_libmagic(head)
    found = Detection(
        format=row.code if row else None,
        media_type=media_type,
        family=row.family if row else None,
        confidence=guess.confidence if row else 0.0,
        extension_matches=bool(row and row.code == declared),
        declared_format=declared,
        warnings=guess.warnings,
    )
    if row and declared_row and row.code != declared and _is_kin(declared_row, row):
        note = f"The file is {row.name}, not {declared_row.name} as its name says."
        found = replace(found, warnings=(*found.warnings, note), same_family=True)
    return replace(found, **dict(guess.flags))


def _is_kin(declared: Format, found: Format) -> bool:
    """Whether one goes for the other: of one family, or a film in the container of its sound."""
    film = (declared.code, found.code) in _FILM_OF_SOUND
    return film or declared.family == found.family in _LENIENT


def _named(code: str | None, declared: str | None) -> str | None:
    """Among formats of the same bytes, the name decides."""
    if declared == "pnm" and code in ("pbm", "pgm", "ppm"):
        return declared
    return declared if code and declared and declared in twins(code) else code


def _is_empty(path: Path, head: bytes) -> bool:
    if not head:
        return True
    if path.stat().st_size > len(head):
        return False
    encoding = encoding_of(head)
    if not encoding:
        return False
    text = decode_head(path, encoding, len(head))
    return not text.strip("\ufeff\u200b \t\r\n\f\v\x00")


def _guess(path: Path, head: bytes, declared: str | None) -> _Guess:
    code = by_signature(head) or added_format(head, declared)
    if code:
        return _marked(path, head, code, declared)
    encoding = encoding_of(head[:_HEAD])
    fits = signatures_media.NAMED.get(declared or "")
    if declared and fits and fits(head):
        return _Guess(declared, 0.6)
    if encoding is None:
        return _by_libmagic(head)
    return _text(path, head, encoding, declared)


def _marked(path: Path, head: bytes, code: str, declared: str | None) -> _Guess:
    """What begins with a mark: where that is a container's, what it holds."""
    if code == "zip":
        return _package(path)
    if code == "ole":
        return _ole(path, declared)
    if code == "pdf":
        return _pdf(path, head)
    if code == "asf":
        return _Guess(declared if declared in ("wma", "asf") else "wmv", 0.8)
    return _Guess(raws.kind_of(path) if code == "tiff" else code)


def _package(path: Path) -> _Guess:
    try:
        package = look(path)
    except (zipfile.BadZipFile, PackageFault, OSError, EOFError):
        return _Guess("zip", 0.5, (("damaged", True),), ("The archive is damaged or cut off.",))
    warnings = []
    if package.has_macros:
        warnings.append("The file has macros; they are never run.")
    if package.has_external:
        warnings.append("The file refers to others outside of it; they are never fetched.")
    flags: tuple[tuple[str, Any], ...] = ()
    if package.fault == "encrypted":
        flags = (("encrypted", True), ("needs_password", True))
    elif package.fault:
        flags = ((package.fault, True),)
    return _Guess(package.kind, 0.99, flags, tuple(warnings))


def _ole(path: Path, declared: str | None) -> _Guess:
    kind = ole.kind_of(path)
    if kind == "encrypted_ooxml":
        code = declared if declared in ("docx", "xlsx", "pptx") else "docx"
        return _Guess(code, 0.9, (("encrypted", True), ("needs_password", True)))
    if kind and ole.is_locked(path):
        return _Guess(kind, 0.97, (("encrypted", True), ("needs_password", _MAYBE.get(kind, True))))
    return _Guess(kind, 0.97) if kind else _Guess(None, 0.0)


def _pdf(path: Path, head: bytes) -> _Guess:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _HEAD))
        tail = file.read(_HEAD)
    locked = b"/Encrypt" in tail or b"/Encrypt" in head
    flags = (("encrypted", True), ("needs_password", None)) if locked else ()
    damaged = b"%%EOF" not in tail[-4096:] and b"startxref" not in tail
    warnings = ("The PDF seems to be cut off.",) if damaged else ()
    return _Guess("pdf", 0.99, flags, warnings)


def _text(path: Path, head: bytes, encoding: str, declared: str | None) -> _Guess:
    text = decode_head(path, encoding, len(head))
    words = texts.pointer(text)
    if words:
        note = f"The file is {words} that points to other files; these are not read."
        return _Guess(None, 0.0, (("points_elsewhere", True),), (note,))
    code, confidence = texts.by_content(text, declared, whole=len(head) < _HEAD)
    own = code == "svg" and plain_entities(text) is not None
    if code in texts.XML_CODES and texts.has_entities(text) and not own:
        return _Guess(code, confidence, (("malicious", True),))
    if sum(map(_in_text, text[:4096])) < 0.9 * len(text[:4096]):
        return _by_libmagic(head)
    return _Guess(code, confidence)


def _in_text(sign: str) -> bool:
    """Letters, spaces of all widths, and the invisible joints that mails are full of."""
    return sign.isprintable() or sign.isspace() or unicodedata.category(sign) == "Cf"


def _by_libmagic(head: bytes) -> _Guess:
    row = BY_MEDIA_TYPE.get(media_type_by_libmagic(head))
    # Text families need more than libmagic's guess; unknown bytes stay unknown.
    return _Guess(row.code, 0.6) if row and row.family not in _TEXTS else _Guess(None, 0.0)
