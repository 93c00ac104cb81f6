"""A comparable digest of a text: its distinct words and how many there are."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_WORD = re.compile(r"[^\W\d_]{3,}")
MOST_WORDS = 3_000
MOST_CHARS = 2_000_000


Digest = dict[str, Any]


def digest(text: str) -> Digest:
    """{text_chars, word_count, words}: words folded, so that ligatures and case don't count."""
    text = text[:MOST_CHARS]
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u00ad", "")
    found = _WORD.findall(folded)
    distinct = list(dict.fromkeys(found))[:MOST_WORDS]
    chars = sum(not c.isspace() for c in text)
    return {"text_chars": chars, "word_count": len(found), "words": distinct}
