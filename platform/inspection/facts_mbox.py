"""Facts about mailboxes (mbox), taken apart by their separating lines as a whole."""

from __future__ import annotations

import hashlib
import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from inspection.facts_data import words_of
from inspection.words import digest

_MOST_BYTES, _MOST_CHARS = 256 << 20, 2_000_000
# A line of From, a sender and a year: first of all or after an empty line, and before a head.
_BETWEEN = re.compile(
    rb"(?:\A|(?<=\n)\r?\n)From \S[^\n]{0,200}\d{4}(?: [+-]\d{4})?[ \t]*\r?\n"
    rb"(?=>?From |[!-9;-~]+[ \t]*:)"
)
_LAST = re.compile(rb"(?<=\n)\r?\n\Z")
_QUOTED = re.compile(rb"^>(>*From )", re.M)


def of_mbox(path: Path, code: str) -> dict[str, Any]:
    """{mails, digests, subject_words, words…}: how many, what they hold, what they are called.

    ``digests`` has one for each message as a file of its own.
    """
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES)
    before, *parts = _BETWEEN.split(_LAST.sub(b"", data))
    if before or not parts:
        raise ValueError("no messages")
    digests, subjects, texts, chars = [], [], [], 0
    for part in parts:
        raw = _QUOTED.sub(rb"\1", part)
        digests.append(hashlib.sha256(raw).hexdigest()[:16])
        if chars < _MOST_CHARS:
            subject, said = _said(message_from_bytes(raw, policy=policy.default))
            subjects.append(subject)
            texts.append(f"{subject}\n{said}")
            chars += len(texts[-1])
    known = {"mails": len(digests), "digests": digests, **digest("\n".join(texts))}
    return known | {"subject_words": digest("\n".join(subjects))["words"]}


def _said(message: Any) -> tuple[str, str]:
    """(subject, body) of a message; "" for what no reader understands."""
    try:
        subject = str(message["subject"] or "")
    except (ValueError, LookupError, AttributeError, TypeError):
        subject = ""
    try:
        return subject, words_of(message.get_body(("plain", "html")))
    except (ValueError, LookupError, AttributeError, TypeError):
        return subject, ""
