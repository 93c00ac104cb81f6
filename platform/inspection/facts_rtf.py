"""Facts about Rich Text, by our own reading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from inspection.words import digest

_MOST = 64 << 20

_RTF = re.compile(
    r"\\u(-?\d+) ?|\\'([0-9a-fA-F]{2})|\\([a-z]+)(-?\d+)? ?"
    r"|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)",
    re.I,
)
_RTF_HIDDEN = frozenset(
    word
    for line in (
        "fonttbl colortbl stylesheet info pict object listtable listoverridetable",
        "generator xmlnstbl themedata datastore latentstyles rsidtbl fldinst header footer",
        "bkmkstart bkmkend listtext pntext",
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
    stack: list[tuple[bool, int]] = []
    stands_in, skip = 1, 0  # signs behind each \\u for readers that know no Unicode
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
        number, byte, word, argument, sign, brace, plain = found.groups()
        if skip and (byte or plain):
            plain, skip = (plain or "")[skip:], max(0, skip - len(plain or " "))
            if not plain:
                continue
        if byte and not hidden:
            bytes_held.append(int(byte, 16))
            continue
        flush()
        if brace == "{":
            stack.append((hidden, stands_in))
            first, skip = True, 0
            continue
        if brace == "}":
            hidden, stands_in = stack.pop() if stack else (False, 1)
            skip = 0
        elif sign == "*" and first:
            hidden = True
        elif word == "uc":
            stands_in = int(argument or 1)
        elif word in _RTF_HIDDEN:
            pictures += word == "pict"
            hidden = True
        elif not hidden:
            pieces.append(_rtf_piece(number, word, sign, plain))
            skip = stands_in if number else skip
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
