"""Text formats by what is written in them; the name decides only between plain kinds of text."""

from __future__ import annotations

import json
import re

from inspection.formats import FORMATS

_POINTERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a playlist",
        re.compile(r"\A\s*(#EXTM3U|ffconcat version|\[playlist\]|<MPD[\s>]|<ASX)", re.I),
    ),
    (
        "a playlist",
        re.compile(
            r"\A\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(MPD|smil|playlist|ASX)[\s>]", re.I | re.S
        ),
    ),
    ("a stream description", re.compile(r"\Av=0\r?\no=")),
    (
        "a drawing script",
        re.compile(r"\A\s*(push\s+graphic-context|viewbox\s+-?\d|encoding\s+\"?UTF-8)", re.I),
    ),
    ("a drawing script", re.compile(r"\A\s*(<\?xml[^>]*>\s*)?<(image|group)>\s*<read\s", re.I)),
    ("a list of files", re.compile(r"\A(file\s+'[^']+'\s*\n)+")),
)
_HTML = re.compile(r"\A\s*(<!--.*?-->\s*)*(<!doctype\s+html|<html[\s>])", re.I | re.S)
_HTML_PART = re.compile(
    r"\A\s*<(head|body|h[1-6]|p|div|table|script|meta|title|img|style)[\s>]", re.I
)
_SVG = re.compile(
    r"\A\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE\s+\w+[^\[>]*(\[.*?\])?\s*>\s*)?"
    r"(<!--.*?-->\s*)*<(\w+:)?svg[\s>]",
    re.I | re.S,
)
_DOCTYPE_ENTITY = re.compile(r"<!ENTITY|<!DOCTYPE[^>]*\[", re.I)
_MAIL = re.compile(
    r"^(From|To|Received|Return-Path|Date|Subject|Message-ID|MIME-Version): ", re.M | re.I
)
_XML = r"\A\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*"
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("vtt", re.compile(r"\A\s*WEBVTT")),
    ("srt", re.compile(r"\A\s*\d+[ \t]*\r?\n\d\d?:\d\d:\d\d[,.]\d{1,3} --> ")),
    ("ssa", re.compile(r"\A\s*\[Script Info\](?=.{0,4000}\[V4 Styles\])", re.S | re.I)),
    ("ass", re.compile(r"\A\s*\[Script Info\]", re.I)),
    ("sub", re.compile(r"\A\s*(\{\d+\}\{\d*\}.*(\r?\n|\Z)){1,3}")),
    ("mpl2", re.compile(r"\A\s*(\[\d+\]\[\d*\].*(\r?\n|\Z)){1,3}")),
    ("tmp", re.compile(r"\A\s*(\d\d:\d\d:\d\d:.*(\r?\n|\Z)){2,3}")),
    ("xpm", re.compile(r"\A/\* XPM")),
    ("xbm", re.compile(r"\A\s*(/\*.{0,500}?\*/\s*)?#define\s+\w*width\s+\d+\s*\n", re.S)),
    ("ttml", re.compile(_XML + r"<(\w+:)?tt[\s>]", re.S)),
    ("ttx", re.compile(_XML + r"<ttFont[\s>]", re.S)),
    ("mbox", re.compile(r"\AFrom [^\n]{3,200}\d{4}( [+-]\d{4})?[ \t]*\r?\n(>From |[\w-]+:)")),
)
PLAIN = frozenset(
    {"txt", "csv", "tsv", "yaml", "toml", "ini", "psv"}
    | {
        row.code
        for row in FORMATS
        if row.family == "markup" and not row.magic and row.same_bytes_as not in ("html", "json")
    }
)
# XML by what its first kilobytes name; the order settles ties.
_XML_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("fb2", re.compile(r"<FictionBook[\s>]")),
    ("opml", re.compile(r"<opml[\s>]")),
    ("tei", re.compile(r"<(TEI|teiCorpus)[\s>]")),
    ("icml", re.compile(r"<\?aid\s")),
    ("fodt", re.compile(r'office:mimetype="application/vnd\.oasis\.opendocument\.text"')),
    ("fods", re.compile(r'office:mimetype="application/vnd\.oasis\.opendocument\.spreadsheet"')),
    ("fodp", re.compile(r'office:mimetype="application/vnd\.oasis\.opendocument\.presentation"')),
    ("docbook", re.compile(r"docbook\.org/ns/docbook|//DTD DocBook", re.I)),
    ("jats", re.compile(r"//DTD JATS|<article[^>]*(article-type|dtd-version)=", re.I)),
)
XML_CODES = frozenset({"svg", "xml", *(code for code, _ in _XML_KINDS)})


def pointer(text: str) -> str | None:
    """Words for a text that only points to other files; never a format of ours."""
    start = text.lstrip("\ufeff")[:4096]
    return next((words for words, mark in _POINTERS if mark.match(start)), None)


def has_entities(text: str) -> bool:
    """Whether XML text declares entities."""
    return bool(_DOCTYPE_ENTITY.search(text[:16_384]))


def _markup(text: str, declared: str | None) -> str | None:
    if _SVG.match(text[:8192]):
        return "svg"
    if _HTML.match(text[:4096]):
        return "html"
    if _HTML_PART.match(text[:256]) and declared not in PLAIN:
        return "html"
    return _xml_kind(text, declared)


def _xml_kind(text: str, declared: str | None) -> str | None:
    begun = text.startswith("<?xml")
    kinds = (code for code, mark in _XML_KINDS if begun and mark.search(text[:8192]))
    found = next(kinds, None)
    root = _ROOT.match(text[:8192])
    if found or (begun and root and root[1].lower() == "html"):
        return found or "html"
    if declared in _SAID_BY_ROOT and _root_fits(text, declared):
        return declared
    return "xml" if begun or (declared == "xml" and _ROOT.match(text)) else None


# Kinds of XML that their first element shows only to who expects them.
_SAID_BY_ROOT = {
    "docbook": ("article", "book", "chapter", "section", "refentry"),
    "jats": ("article",),
    "opml": ("opml",),
    "tei": ("TEI", "teiCorpus"),
}
_ROOT = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>\[]*>\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]",
    re.S,
)


def _root_fits(text: str, declared: str) -> bool:
    found = _ROOT.match(text[:8192])
    return found is not None and found[1] in _SAID_BY_ROOT[declared]


def _json(text: str, whole: bool, declared: str | None) -> str | None:  # noqa: FBT001
    if text[:1] not in "{[":
        return "json" if declared == "json" and whole and _is_scalar(text) else None
    if whole:
        try:
            json.loads(text)
        except ValueError:
            return "jsonl" if _is_jsonl(text) else None
        return "ipynb" if '"nbformat"' in text else "json"
    if declared == "jsonl":
        return declared
    return declared if declared in ("json", "ipynb", "csljson") else None


def _is_scalar(text: str) -> bool:
    try:
        return not isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _is_jsonl(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()][:20]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict | list) for line in lines)
    except ValueError:
        return False


def by_content(text: str, declared: str | None, *, whole: bool) -> tuple[str, float]:  # noqa: PLR0911
    """Code and confidence; ``whole``: the text is all of the file."""
    text = text.lstrip("\ufeff")
    body = text.lstrip()
    marked = next((code for code, mark in _MARKS if mark.match(text[:8192])), None)
    if marked and not (marked == "tmp" and declared in PLAIN):
        return marked, 0.95
    found = _markup(body, declared) or _json(body, whole, declared)
    if found:
        return found, 0.9
    if len(_MAIL.findall(text[:4096])) >= 3 and declared not in PLAIN:
        return "eml", 0.85
    if body.startswith("ID;P") or (declared == "dif" and body.startswith("TABLE")):
        return ("slk" if body.startswith("ID;P") else "dif"), 0.9
    if declared in PLAIN or declared == "html":
        return declared or "txt", 0.8
    if "\\documentclass" in text[:4096]:
        return "tex", 0.8
    return "txt", 0.6
