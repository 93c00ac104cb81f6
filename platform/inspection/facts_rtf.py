"""Facts about Rich Text, by our own reading."""

from __future__ import annotations

import codecs
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


# Character sets of fonts that are not the document's own (RTF 1.9.1, "Font table").
_CHARSETS = {
    "77": "mac_roman",
    "128": "cp932",
    "129": "cp949",
    "130": "johab",
    "134": "gbk",
    "136": "cp950",
    "161": "cp1253",
    "162": "cp1254",
    "163": "cp1258",
    "177": "cp1255",
    "178": "cp1256",
    "186": "cp1257",
    "204": "cp1251",
    "222": "cp874",
    "238": "cp1250",
}
_FONT = re.compile(r"\\f(\d+)(?=[^{}]*?\\fcharset(\d+))")


def of_rtf(path: Path, code: str) -> dict[str, Any]:
    """{words…} of Rich Text, by hand; open groups mean that it was cut off."""
    raw = path.read_bytes()[:_MOST]
    if not raw.startswith(b"{\\rtf"):
        raise ValueError("not RTF")
    page = re.search(rb"\\ansicpg(\d+)", raw[:512])
    encoding = f"cp{page.group(1).decode()}" if page else "cp1252"
    text = raw.decode("latin-1")
    pieces, depth, pictures = _rtf_pieces(text, _Letters(text, encoding))
    if depth > 0:
        raise ValueError("cut off")
    return {**digest("".join(pieces)), "images": pictures}


class _Letters:
    """Bytes to letters, in the character set of the font at hand."""

    def __init__(self, text: str, encoding: str) -> None:
        head = text[: text.find("\\stylesheet") + 1 or 64_000]
        sets = {font: _CHARSETS.get(number) for font, number in _FONT.findall(head)}
        try:
            codecs.lookup(encoding)
        except LookupError:
            encoding = "cp1252"
        self.of_font = {font: name for font, name in sets.items() if name}
        self.usual, self.held = encoding, bytearray()
        default = re.search(r"\\deff(\d+)", text[:512])
        self.plain = self.encoding = self.of_font.get(default[1] if default else "", encoding)

    def choose(self, word: str, argument: str | None) -> None:
        """A control word may change the font."""
        if word == "f":
            self.encoding = self.of_font.get(argument or "0", self.usual)
        elif word == "plain":
            self.encoding = self.plain

    def complete(self, plain: str) -> str:
        """Text whose first letter may be the second half of the letter before it; what is left."""
        if not plain or not self.held:
            return plain
        try:
            self.held.decode(self.encoding)
        except UnicodeDecodeError as error:
            if error.end == len(self.held):
                self.held += plain[0].encode("latin-1", "replace")
                return plain[1:]
        return plain

    def flush(self) -> str:
        """What was held, as text."""
        text = self.held.decode(self.encoding, "replace")
        self.held.clear()
        return text


def _rtf_pieces(  # noqa: C901 (one pass over the tokens)
    text: str, letters: _Letters
) -> tuple[list[str], int, int]:
    stack: list[tuple[bool, int, str]] = []
    stands_in, skip = 1, 0  # signs behind each \\u for readers that know no Unicode
    hidden, first, pictures = False, False, 0
    pieces: list[str] = []
    for found in _RTF.finditer(text):
        number, byte, word, argument, sign, brace, plain = found.groups()
        if skip and (byte or plain):
            plain, skip = (plain or "")[skip:], max(0, skip - len(plain or " "))
            if not plain:
                continue
        if byte and not hidden:
            letters.held.append(int(byte, 16))
            continue
        if found.lastindex is None:
            continue  # the end of a line is no text
        plain = letters.complete(plain) if plain and not hidden else plain
        pieces.append(letters.flush())
        if brace == "{":
            stack.append((hidden, stands_in, letters.encoding))
            first, skip = True, 0
            continue
        if brace == "}":
            hidden, stands_in, letters.encoding = (
                stack.pop() if stack else (False, 1, letters.plain)
            )
            skip = 0
        elif sign == "*" and first:
            hidden = True
        elif word == "uc":
            stands_in = int(argument or 1)
        elif word in _RTF_HIDDEN:
            pictures += word == "pict"
            hidden = True
        elif not hidden:
            letters.choose(word or "", argument)
            pieces.append(_rtf_piece(number, word, sign, plain))
            skip = stands_in if number else skip
        first = sign == "*"
    return [*pieces, letters.flush()], len(stack), pictures


def _rtf_piece(number: str | None, word: str | None, sign: str | None, plain: str | None) -> str:
    if number:
        return chr(int(number) % 65_536)
    if word:
        return " " if word in ("par", "line", "tab", "cell", "row", "sect", "page") else ""
    if sign:
        return " " if sign == "~" else "" if sign in "-*" else sign
    return plain or ""
