"""E-mail (standard library): the messages of a mailbox (mbox) as files, as a list, as text.

A message begins at a line of ``From``, a sender and a year, after an empty line and before a head:
fewer are taken apart by a sentence that begins so. ``>From`` within them loses its mark again.
Sources: RFC 4155; the mboxrd form, https://www.loc.gov/preservation/digital/formats/fdd/fdd000385
"""

from __future__ import annotations

import csv
import json
import platform
import re
import zipfile
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)
from inspection.codepages import decoded
from inspection.facts_markup import text_of_html

COLUMNS = ("number", "date", "from", "to", "cc", "subject", "message_id", "attachments", "bytes")
_MOST_BYTES, _MOST_MESSAGES = 256 << 20, 10_000
_BEGINS = re.compile(rb"From \S[^\n]{0,200}\d{4}( [+-]\d{4})?[ \t]*\r?\n\Z")
_HEADED = re.compile(rb">?From |[!-9;-~]+[ \t]*:")
_QUOTED = re.compile(rb"^>(>*From )", re.M)
_SHOWN = ("From", "To", "Cc", "Date", "Subject")


class Options(EngineOptions):
    """Nothing to choose: every message is written."""


def find_version() -> str | None:
    """Python's own version: its library reads the messages."""
    return platform.python_version()


def run(call: EngineCall) -> EngineResult:
    """Take the mailbox apart, write what was asked for. Runs in a sandboxed child."""
    if call.source.stat().st_size > _MOST_BYTES:
        raise LimitExceeded("Mailboxes of more than 256 MB are not taken.")
    call.progress(0.1, "reading")
    count = _WRITERS[call.output_format](call)
    if not count:
        raise InputRejected("The mailbox has no messages.", code="file_empty")
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), facts={"rows": count, "entries": count})


def messages(call: EngineCall) -> Iterator[bytes]:
    """Each message as a file of its own, in the order of the mailbox."""
    for count, lines in enumerate(_parts(call)):
        if count >= _MOST_MESSAGES:
            raise LimitExceeded("Mailboxes of more than 10,000 messages are not taken.")
        yield _QUOTED.sub(rb"\1", b"".join(lines))


def _parts(call: EngineCall) -> Iterator[list[bytes]]:
    """Lines of each message, without the one that begins it and the empty one that ends it."""
    found: list[bytes] | None = None
    begun, empty = b"", True
    with call.source.open("rb") as file:
        for line in file:
            if begun and _HEADED.match(line):
                if found is not None:
                    yield _ended(found)
                found = []
            elif begun and found is not None:
                found.append(begun)
            begun = line if empty and _BEGINS.match(line) else b""
            if found is not None and not begun:
                found.append(line)
            empty = line in (b"\n", b"\r\n")
    if found is not None:
        yield _ended(found)


def _ended(lines: list[bytes]) -> list[bytes]:
    return lines[:-1] if lines and lines[-1] in (b"\n", b"\r\n") else lines


def _read(raw: bytes) -> EmailMessage:
    made = message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)  # noqa: S101
    return made


def _said(message: EmailMessage, name: str) -> str:
    """A head in one line; "" for one that no reader understands."""
    try:
        return " ".join(str(message[name] or "").split())
    except (ValueError, LookupError, AttributeError, TypeError, IndexError):
        return ""


def _names(message: EmailMessage) -> list[str]:
    try:
        return [part.get_filename() or "attachment" for part in message.iter_attachments()]
    except (KeyError, AttributeError, ValueError, LookupError):
        return []  # a head of several parts without any


def _row(number: int, raw: bytes) -> dict[str, Any]:
    message = _read(raw)
    said = {name: _said(message, name) for name in (*_SHOWN, "Message-ID")}
    try:
        moment = parsedate_to_datetime(said["Date"]).isoformat()
    except (ValueError, TypeError, IndexError):
        moment = said["Date"]
    texts = (said["From"], said["To"], said["Cc"], said["Subject"], said["Message-ID"])
    values = (number, moment, *texts, "; ".join(_names(message)), len(raw))
    return dict(zip(COLUMNS, values, strict=True))


def _as_csv(call: EngineCall) -> int:
    count = 0
    with call.target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for count, raw in enumerate(messages(call), 1):
            writer.writerow(_row(count, raw))
    return count


def _as_json(call: EngineCall) -> int:
    rows = [_row(number, raw) for number, raw in enumerate(messages(call), 1)]
    words = json.dumps(rows, ensure_ascii=False, indent=2)
    call.target.write_text(words + "\n", encoding="utf-8", errors="replace")
    return len(rows)


def _as_zip(call: EngineCall) -> int:
    count = 0
    with zipfile.ZipFile(call.target, "w", zipfile.ZIP_DEFLATED) as archive:
        for count, raw in enumerate(messages(call), 1):
            archive.writestr(zipfile.ZipInfo(f"{count:05}{_title(raw)}.eml"), raw)
    return count


def _title(raw: bytes) -> str:
    """Of the subject what is safe in a name, with a space before it."""
    words = re.sub(r"[^\w .,()+-]+", " ", _said(_read(raw), "Subject"))
    words = " ".join(words.split())[:60].rstrip(" .")
    return f" {words}" if words else ""


def _as_text(call: EngineCall) -> int:
    count = 0
    with call.target.open("w", encoding="utf-8", errors="replace") as out:
        for count, raw in enumerate(messages(call), 1):
            message = _read(raw)
            head = [f"{name}: {said}" for name in _SHOWN if (said := _said(message, name))]
            named = [f"Attachment: {name}" for name in _names(message)]
            rule = ["", "-" * 72, ""] if count > 1 else []
            out.write("\n".join([*rule, *head, *named, "", _body(message).strip(), ""]))
    return count


def _body(message: EmailMessage) -> str:
    """The plain text, or the words of the HTML."""
    try:
        part: Any = message.get_body(("plain", "html"))
    except (KeyError, AttributeError, ValueError, LookupError):
        part = None
    if part is None:
        return ""
    raw = bytes(part.get_payload(decode=True) or b"")
    text = decoded(raw, str(part.get_param("charset") or "us-ascii")).replace("\r\n", "\n")
    return text_of_html(text)[0] if part.get_content_subtype() == "html" else text


_WRITERS: dict[str, Callable[[EngineCall], int]] = {
    "csv": _as_csv,
    "json": _as_json,
    "zip": _as_zip,
    "txt": _as_text,
}
SPEC = EngineSpec(
    id="mailboxes",
    name="Mailboxes",
    licence="MIT",
    routes=(
        Route(inputs=("mbox",), outputs=("zip",), fidelity=95, loses=("the mailbox's own lines",)),
        Route(
            inputs=("mbox",),
            outputs=("csv", "json"),
            fidelity=30,
            loses=("the messages' texts", "attachments"),
        ),
        Route(inputs=("mbox",), outputs=("txt",), fidelity=65, loses=("attachments", "layout")),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
    preload=("email.message", "email.policy", "html.parser"),
)
