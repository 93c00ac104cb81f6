"""Facts about subtitles, by regular expressions of our own: cues, the last end, words."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inspection.text import decode_head, encoding_of, read_head, undeclared
from inspection.words import digest

_MOST = 32 << 20
_TIMED = 5000  # cues whose times and words are compared one by one
Cue = tuple[float, float | None, str]
_ARROW = re.compile(
    r"^((?:\d+:)?\d\d?:\d\d[,.]\d{1,3}) *--> *((?:\d+:)?\d\d?:\d\d[,.]\d{1,3})[^\n]*\n"
    r"((?:(?![^\n]*-->)[^\n]*\S[^\n]*(?:\n|\Z))*)",
    re.M,
)
_DIALOGUE = re.compile(r"^Dialogue: *([^\n]*)$", re.M)
_FRAMES = re.compile(r"^\{(\d+)\}\{(\d*)\}([^\n]*)$", re.M)
_TENTHS = re.compile(r"^\[(\d+)\]\[(\d*)\]([^\n]*)$", re.M)
_PLAYER = re.compile(r"^(\d+:\d\d:\d\d)[:=,]([^\n]*)$", re.M)
_SHAPE = re.compile(r"\{[^}]*\\p[1-9]")  # what follows is drawn, not read
_TAGS = re.compile(r"<[^>\n]*>|\{[^}\n]*\}")


def by_hand(path: Path, code: str) -> dict[str, Any]:
    """{cues, last_end_seconds, words…}; cues without words don't count."""
    encoding = encoding_of(read_head(path))
    if encoding is None:
        raise ValueError("no text")
    text = decode_head(path, encoding, _MOST).lstrip("\ufeff").replace("\r\n", "\n")
    cues = [cue for cue in _READ[code](text) if _plain(cue[2]).strip()]
    if not cues:
        raise ValueError("no subtitles")
    cues.sort(key=lambda cue: cue[0])  # players show them by time, wherever they stand
    ends = [end for _, end, _ in cues if end is not None]
    known: dict[str, Any] = {"cues": len(cues)}
    known |= {"last_end_seconds": round(max(ends), 2) if ends else None}
    known["first_start_seconds"] = round(min(start for start, _, _ in cues), 2)
    known["timed"] = [[round(start, 2), _first_words(words)] for start, _, words in cues[:_TIMED]]
    return {**known, **digest("\n".join(_plain(words) for _, _, words in cues))}


def _first_words(words: str) -> str:
    """The letters that a cue begins with, in the order of time and whatever their marks."""
    return "".join(c for c in _plain(words).casefold() if c.isalnum())[:24]


def _plain(words: str) -> str:
    return _TAGS.sub("", words).replace("\\N", "\n").replace("\\n", "\n").replace("|", "\n")


def _seconds(stamp: str) -> float:
    value = 0.0
    for part in stamp.replace(",", ".").split(":"):
        value = value * 60 + float(part)
    return value


def _arrows(text: str) -> list[Cue]:
    return [(_seconds(m[1]), _seconds(m[2]), m[3]) for m in _ARROW.finditer(text)]


def _web(text: str) -> list[Cue]:
    """WebVTT escapes signs as web pages do; SubRip does not."""
    return [
        (start, end, html.unescape(_TAGS.sub("", words))) for start, end, words in _arrows(text)
    ]


def _ass(text: str) -> list[Cue]:
    rows = (match[1].split(",", 9) for match in _DIALOGUE.finditer(text))
    spoken = (row for row in rows if len(row) == 10 and not _SHAPE.search(row[9]))
    return [(_seconds(row[1]), _seconds(row[2]), row[9]) for row in spoken]


def _microdvd(text: str) -> list[Cue]:
    rows = [(int(m[1]), int(m[2] or m[1]), m[3]) for m in _FRAMES.finditer(text)]
    rate = 25.0
    if rows and rows[0][:2] in ((1, 1), (0, 0)) and re.fullmatch(r"[\d.]+", rows[0][2].strip()):
        rate = float(rows.pop(0)[2]) or rate
    return [(start / rate, end / rate, words) for start, end, words in rows]


def _mpl2(text: str) -> list[Cue]:
    return [(int(m[1]) / 10, int(m[2] or m[1]) / 10, m[3]) for m in _TENTHS.finditer(text)]


def _tmp(text: str) -> list[Cue]:
    return [(_seconds(m[1]), None, m[2]) for m in _PLAYER.finditer(text)]


def _ttml(text: str) -> list[Cue]:
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    found: list[Cue] = []
    for one in fromstring(undeclared(text).encode(), forbid_dtd=True).iter():
        if str(one.tag).rpartition("}")[2] == "p" and one.get("begin"):
            begin = str(one.get("begin"))
            end = _clock(str(one.get("end") or begin))
            found.append((_clock(begin), end, "\n".join(one.itertext())))
    return found


def _clock(stamp: str) -> float:
    return float(stamp[:-1]) if stamp.endswith("s") else _seconds(stamp)


_READ: dict[str, Callable[[str], list[Cue]]] = {
    "srt": _arrows,
    "vtt": _web,
    "ass": _ass,
    "ssa": _ass,
    "sub": _microdvd,
    "mpl2": _mpl2,
    "tmp": _tmp,
    "ttml": _ttml,
}
