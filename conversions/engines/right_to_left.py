"""Pages of pdftohtml whose letters stand as they are seen, put in the order in which they are read.

pdftohtml writes Arabic, Hebrew and their kin from left to right as they stand on the paper; a
browser, a search and a translation then meet every word backwards.
What is undone: Unicode Standard Annex 9, https://www.unicode.org/reports/tr9/.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

_LINE = re.compile(
    r'<p style="position:absolute;top:(?P<top>\d+)px;left:(?P<left>\d+)px;(?P<rest>[^>]*)>'
    r"(?P<inner>.*?)</p>",
    re.S,
)
# Letters of Hebrew, Arabic, Syriac, Thaana, NKo and their presentation forms; not their digits.
_LETTERS = "\u0590-\u065f\u066b-\u06ef\u06fa-\u08ff\ufb1d-\ufdff\ufe70-\ufeff"
_BACKWARD = re.compile(f"[{_LETTERS}]")
# Runs that stand from left to right within a line that does not: words of other scripts, numbers.
_OTHER = rf"(?:(?![{_LETTERS}])[^\W_])"
_FORWARD = re.compile(rf"{_OTHER}+(?:[\s.,:/%+'@_&-]*{_OTHER}+)*%?")
# The other way about: words that stand from right to left within a line that does not.
_INSIDE = re.compile(rf"[{_LETTERS}]+(?:[\s.,:'\"-]*[{_LETTERS}]+)*")
_TAG = re.compile(r"<[^>]*>")
_PIECE = re.compile(r"(?:<[^/>][^>]*>)*[^<]+(?:</[^>]+>)*")
_BREAK = re.compile(r"<br\s*/?>")
_SAME_LINE_PX = 5
_BRACKETS = str.maketrans("()[]{}«»<>", ")(][}{»«><")
_OPENING, _CLOSING = re.compile(r"[(\[{«]"), re.compile(r"[)\]}»]")


def in_reading_order(page: str) -> str:
    """The page of pdftohtml (``-s``); one without such letters as it came."""
    if not _is_backward(page):
        return page
    made: list[str] = []
    line: list[re.Match[str]] = []
    end = 0
    for found in _LINE.finditer(page):
        if line and not _continues(line[-1], found, page):
            made += _ordered(line)
            line = []
        if not line:
            made.append(page[end : found.start()])
        line.append(found)
        end = found.end()
    return "".join([*made, *_ordered(line), page[end:]])


def _continues(last: re.Match[str], found: re.Match[str], page: str) -> bool:
    """Whether both stand side by side on one line of the paper."""
    near = abs(int(last["top"]) - int(found["top"])) <= _SAME_LINE_PX
    return near and not page[last.end() : found.start()].strip()


def _ordered(line: list[re.Match[str]]) -> list[str]:
    """The parts of one line of the paper, the first to be read first."""
    text = " ".join(_TAG.sub(" ", part["inner"]) for part in line)
    if not _is_backward(text):
        return [f"{part.group()}\n" for part in line]
    if len(_BACKWARD.findall(text)) < len(re.findall(_OTHER, html.unescape(text))):
        return [_part(part, "ltr", _within) for part in line]
    parts = sorted(line, key=lambda part: -int(part["left"]))
    return [_part(part, "rtl", _read) for part in parts]


def _part(part: re.Match[str], direction: str, read: Callable[[str], str]) -> str:
    inner = "<br/>".join(read(row) for row in _BREAK.split(part["inner"]))
    place = f"top:{part['top']}px;left:{part['left']}px;{part['rest']}"
    return f'<p dir="{direction}" style="position:absolute;{place}>{inner}</p>\n'


def _read(row: str) -> str:
    """One row with its tags: the pieces from the right, each in the order of reading."""
    if not _is_backward(row):
        return row
    return "".join(_texts(piece, turned) for piece in reversed(_PIECE.findall(row)))


def _within(row: str) -> str:
    """One row that is read from the left, with words in it that are not."""
    return _texts(row, lambda text: _INSIDE.sub(lambda run: run.group()[::-1], text))


def _texts(piece: str, change: Callable[[str], str]) -> str:
    """What stands between the tags, changed."""
    parts = re.split(r"(<[^>]*>)", piece)
    return "".join(
        part if part.startswith("<") else html.escape(change(html.unescape(part)), quote=False)
        for part in parts
    )


def turned(text: str) -> str:
    """A row as it is read, from a row as it is seen."""
    if not _is_backward(text):
        return text
    read = _FORWARD.sub(lambda run: run.group()[::-1], text[::-1])
    opening, closing = _OPENING.search(read), _CLOSING.search(read)
    if closing and (not opening or closing.start() < opening.start()):
        read = read.translate(_BRACKETS)
    return read


def _is_backward(text: str) -> bool:
    return _BACKWARD.search(text) is not None
