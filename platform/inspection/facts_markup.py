"""The words of markup: what a reader would see, without the signs and addresses around it."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from inspection.text import decode_head, encoding_of, read_head, undeclared
from inspection.words import digest

_MOST = 64 << 20
WEB = frozenset({"html", "xhtml", "revealjs", "slidy", "s5", "dzslides", "slideous"})
XML = frozenset({"docbook", "jats", "opml", "tei", "icml", "fb2"})
_UNSEEN = frozenset({"title", "script", "style", "template", "noscript", "svg"})
# Settings above a text (YAML), which writers turn into metadata.
_WITH_HEAD = frozenset({"md", "gfm", "commonmark"})
_HEAD = re.compile(r"\A\s*---\s*\n.*?\n(---|\.\.\.)\s*\n", re.S)
_ADDRESS = re.compile(r"\]\([^)\s]*[^)]*\)|<?(?:https?|ftp|mailto|file):[^\s>\])}\"|]+>?")
# A mail address between angles is text.
_TAG = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1>|</?[a-zA-Z](?![^<>\s]*@)[^<>]*>", re.S)
_TEX_ADDRESS = re.compile(
    r"\\(?:href|url|label|ref|hyperref|hypertarget|hyperlink|usepackage|documentclass"
    r"|includegraphics|begin|end|cite\w*)\*?(?:\[[^\]]*\])?\{[^{}]*\}"
)
_COMMAND = re.compile(r"\\[a-zA-Z@]+\*?")
_ROFF = re.compile(r"\\\[u([0-9A-F]{4,6})\]|\\\[(.)[ ]?(aq|ga|ah|:|ti|ac|)\]|\\f(?:\[\w*\]|.)")


class _Seen(HTMLParser):
    """Text of a web page, without scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.hidden = 0
        self.pictures = 0
        self.closed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = 0 if tag == "body" else self.hidden + (tag in _UNSEEN)
        self.pictures += tag in ("img", "svg", "picture")
        if tag not in ("b", "i", "em", "strong", "span", "a", "u", "font", "sup", "sub", "code"):
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in _UNSEEN and self.hidden > 0
        self.closed = self.closed or tag == "html"

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.pieces.append(data)


def text_of_html(text: str) -> tuple[str, _Seen]:
    """What a browser would show, and the parser with its counts."""
    parser = _Seen()
    parser.feed(text)
    parser.close()
    return "".join(parser.pieces), parser


def read_text(path: Path) -> str:
    """The whole text; ValueError when it is none."""
    encoding = encoding_of(read_head(path))
    if encoding is None:
        raise ValueError("no text")
    return decode_head(path, encoding, _MOST)


def _web(text: str) -> dict[str, Any]:
    seen, parser = text_of_html(text)
    if "<html" in text[:4096].lower() and not parser.closed:
        raise ValueError("the page ends early")
    return {**digest(seen), "images": parser.pictures}


def _xml(text: str) -> dict[str, Any]:
    from defusedxml.ElementTree import fromstring  # noqa: PLC0415

    root = fromstring(undeclared(text).encode())
    pieces: list[str] = []
    for element in root.iter():
        tag = str(element.tag).rpartition("}")[2]
        if tag in ("binary", "style"):
            continue
        pieces += [element.text or "", *(element.attrib.get(n, "") for n in ("text", "_note"))]
        inline = tag in ("a", "emphasis", "strong", "italic", "bold", "hi", "ext-link", "xref")
        pieces += ["" if inline else " ", element.tail or ""]
    return digest(html.unescape("".join(pieces)))


def _notebook(text: str) -> dict[str, Any]:
    made = json.loads(text)
    cells = made.get("cells") or []
    parts = [cell.get("source") or "" for cell in cells]
    words = "\n".join("".join(part) if isinstance(part, list) else part for part in parts)
    return {"cells": len(cells), **digest(_plain(words))}


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub(" ", _ADDRESS.sub(" ", text)))


def _tex(text: str) -> str:
    body = text.partition("\\begin{document}")[2] or text
    title = re.findall(r"\\(?:title|author|date)\{([^{}]*)\}", text)
    cleaned = _TEX_ADDRESS.sub(" ", " ".join((*title, body)))
    return _COMMAND.sub(" ", re.sub(r"(?m)(?<!\\)%.*$", " ", cleaned).replace("\\-", ""))


def _letter(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    marks = {"aq": "\u0301", "ga": "\u0300", "ah": "\u030c", ":": "\u0308", "ti": "\u0303"}
    return (found[2] or "") + marks.get(found[3] or "", "")


def _stripped(text: str, code: str) -> str:
    if code in ("tex", "beamer", "context"):
        return _tex(text)
    if code in ("man", "ms"):
        return re.sub(r"(?m)^[.'][A-Za-z]+", " ", _ROFF.sub(_letter, text))
    if code == "native":
        body = "".join(
            " " if found[2] else found[1]
            for found in re.finditer(
                r'Str "((?:[^"\\]|\\.)*)"|(Space|SoftBreak|LineBreak|Para|Plain|Header)', text
            )
        )
        codes = " ".join(re.findall(r'Code(?:Block)?\s*\(.*?\)\s*"((?:[^"\\]|\\.)*)"', text, re.S))
        return re.sub(r"\\(\d{2,7})(?:\\&)?", lambda m: chr(int(m[1])), f"{body} {codes}")
    if code in _WITH_HEAD:
        text = _HEAD.sub("", text)
    if code == "rst":
        text = re.sub(r"(?m)^\.\. [\w-]+::.*$|^ +:[\w-]+:.*$|^\.\. _.*$", " ", text)
    if code == "texinfo":
        accents = {"'": "\u0301", "`": "\u0300", "~": "\u0303", '"': "\u0308", "^": "\u0302"}
        text = re.sub(r"@(['`~\"^])\{?(\w)\}?", lambda m: m[2] + accents[m[1]], text)
    return _plain(text)


def of_markup(path: Path, code: str) -> dict[str, Any]:
    """{words…} by the kind of markup; what has an end must reach it."""
    text = read_text(path).lstrip("\ufeff")
    if code in WEB:
        return _web(text)
    if code in XML:
        return _xml(text)
    if code == "ipynb":
        return _notebook(text)
    known: dict[str, Any] = {"lines": text.count("\n")}
    if code in ("tex", "beamer") and "\\begin{document}" in text:
        known["whole"] = "\\end{document}" in text
        if not known["whole"]:
            raise ValueError("the document ends early")
    return {**known, **digest(_stripped(text, code))}
