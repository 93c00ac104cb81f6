"""Facts about Rich Text, by our own reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from inspection.words import digest

_MOST = 64 << 20

_RTF = re.compile(
    r"\\u(-?\d+)\s?\??|\\'([0-9a-fA-F]{2})|\\([a-z]+)(-?\d+)? ?"
    r"|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.I,
)
_RTF_HIDDEN = frozenset(
    word
    for line in (
        "fonttbl colortbl stylesheet info pict object listtable listoverridetable",
        "generator xmlnstbl themedata datastore latentstyles rsidtbl fldinst header footer",
        "bkmkstart bkmkend",
    )
    for word in line.split()
)


def of_rtf(path: Path, code: str) -> dict[str, Any]:
    """{words…} of Rich Text, by hand; open groups mean that it was cut off."""
    raw = path.read_bytes()[:_MOST]
    if not raw.startswith(b"{\\rtf"):
        raise ValueError("not RTF")
    page = re.search(rb"\\ansicpg(\d+)", raw[:512])
    encoding = f"cp{page.group(1).decode()}" if page else "cp1252"
    pieces, depth, pictures = _rtf_pieces(raw.decode("latin-1"), encoding)
    if depth > 0:
        raise ValueError("cut off")
    return {**digest("".join(pieces)), "images": pictures}


def _rtf_pieces(  # noqa: C901 (one pass over the tokens)
    text: str, encoding: str
) -> tuple[list[str], int, int]:
    stack: list[bool] = []
    hidden, first, pictures = False, False, 0
    pieces: list[str] = []
    bytes_held = bytearray()

    def flush() -> None:
        if bytes_held:
            try:
                pieces.append(bytes_held.decode(encoding, "replace"))
            except LookupError:
                pieces.append(bytes_held.decode("cp1252", "replace"))
            bytes_held.clear()

    for found in _RTF.finditer(text):
        number, byte, word, _, sign, brace, plain = found.groups()
        if byte and not hidden:
            bytes_held.append(int(byte, 16))
            continue
        flush()
        if brace == "{":
            stack.append(hidden)
            first = True
            continue
        if brace == "}":
            hidden = stack.pop() if stack else False
        elif sign == "*" and first:
            hidden = True
        elif word in _RTF_HIDDEN:
            pictures += word == "pict"
            hidden = True
        elif not hidden:
            pieces.append(_rtf_piece(number, word, sign, plain))
        first = sign == "*"
    flush()
    return pieces, len(stack), pictures


def _rtf_piece(number: str | None, word: str | None, sign: str | None, plain: str | None) -> str:
    if number:
        return chr(int(number) % 65_536)
    if word:
        return " " if word in ("par", "line", "tab", "cell", "row", "sect", "page") else ""
    if sign:
        return " " if sign == "~" else "" if sign in "-*" else sign
    return plain or ""
