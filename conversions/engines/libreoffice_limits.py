"""What LibreOffice is not even asked, since it would not end.

Deep tables take it time by a power of their depth (60 levels in a file of 1 kB: over a minute), and
so does a word of 60 million letters. In 17,800 files of LibreOffice's, POI's and Pandoc's own tests
elements nest at most 53 deep, tables 41 (found by a fuzzer) and else 19.
"""

from __future__ import annotations

from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded

MOST_TABLES = 50  # within each other
MOST_DEPTH = 400  # elements within each other
MOST_LETTERS = 4_000_000  # of one text without a break
_MARKUP = frozenset({"docx", "docm", "dotx", "odt", "ott", "html"})
_PACKAGES = frozenset({"xlsx", "xlsm", "xltx", "ods", "ots", "pptx", "pptm", "potx", "ppsx"})
_FLAT = frozenset({"odp", "otp", "fodt", "fods", "fodp"})
LOOKED_AT = _MARKUP | _PACKAGES | _FLAT


def refuse_absurd(call: EngineCall) -> None:
    """Raise for a document whose layout would not end."""
    if call.input_format not in LOOKED_AT:
        return
    asked = {"path": str(call.source), "format": call.input_format}
    found = call.in_child("inspection.shape:shape", asked)
    if found["tables"] > MOST_TABLES:
        text = f"Tables lie in tables, over {MOST_TABLES} deep. LibreOffice can't lay that out."
        raise InputRejected(text, code="engine_failed", detail=str(found))
    if found["depth"] > MOST_DEPTH:
        raise LimitExceeded(f"The document's elements nest over {MOST_DEPTH} deep.")
    if found["longest_text"] > MOST_LETTERS:
        raise LimitExceeded(f"The document has a text of over {MOST_LETTERS:,} letters in one.")
