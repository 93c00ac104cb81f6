"""A comparable digest of a text: its distinct words and how many there are."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

# Scripts that set no spaces, and Korean, whose lines may break within a word: letter by letter.
_DENSE = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_DENSE}]|[^\W\d_{_DENSE}]{{3,}}")
_MOST_LETTERS = 40  # what is longer breaks at the end of a line, where another engine ends it
MOST_WORDS = 3_000
MOST_CHARS = 2_000_000


_ADDRESS = re.compile(r"https?://[^\s\"<>]+")

Digest = dict[str, Any]


def digest(text: str) -> Digest:
    """{text_chars, word_count, words}: words folded, so that ligatures and case don't count."""
    text = text[:MOST_CHARS]
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "")
    found = [word for word in _WORD.findall(folded) if len(word) <= _MOST_LETTERS]
    distinct = list(dict.fromkeys(found))[:MOST_WORDS]
    chars = len("".join(text.split()))
    return {"text_chars": chars, "word_count": len(found), "words": distinct}


def digest_of_values(texts: Iterable[str]) -> Digest:
    """The digest of cells and values, and {unlinked}: the same without what are addresses.

    Readers of markup leave addresses out, since there they stand for links.
    """
    text = "\n".join(texts)
    whole = digest(text)
    if "://" not in text[:MOST_CHARS]:
        return whole
    return {**whole, "unlinked": digest(_ADDRESS.sub(" ", text))}
