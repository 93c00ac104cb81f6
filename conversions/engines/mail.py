"""E-mail (standard library; python-oxmsg, MIT, for Outlook): messages to text, HTML and EML.

Attachments are named in text and HTML and kept in EML. HTML comes out without scripts, styles,
pictures and links to anything but pages. Source: RFC 5322, RFC 2045.
"""

from __future__ import annotations

import html
import importlib.metadata
import re
from dataclasses import dataclass
from email import message_from_binary_file, policy
from email.message import EmailMessage
from email.utils import format_datetime
from html.parser import HTMLParser
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
from inspection.codepages import decoded, know_windows_names
from inspection.text import is_from_right

_MOST_BYTES = 128 << 20
_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_TAGS = frozenset(
    {
        *("a", "abbr", "b", "blockquote", "br", "center", "code", "dd", "div", "dl", "dt", "em"),
        *("font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "s"),
        *("small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th"),
        *("thead", "tr", "u", "ul"),
    }
)
_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})


class Options(EngineOptions):
    """Nothing to choose: a message is written as it is."""


@dataclass(frozen=True)
class _Letter:
    headers: dict[str, str]
    text: str
    html: str
    attachments: tuple[tuple[str, str, bytes], ...]  # name, media type, content


def find_version() -> str | None:
    """Version of python-oxmsg, which reads Outlook's files."""
    try:
        return importlib.metadata.version("python-oxmsg")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Read one message, write it. Runs in a sandboxed child."""
    if call.source.stat().st_size > _MOST_BYTES:
        raise LimitExceeded("Messages of more than 128 MB are not taken.")
    call.progress(0.1, "reading")
    try:
        letter = _outlook(call) if call.input_format == "msg" else _standard(call)
    except (MemoryError, InputRejected):
        raise
    except Exception as error:  # broken messages break their readers in many ways
        detail = f"{type(error).__name__}: {error}"
        raise InputRejected("The message can't be read.", detail=detail) from error
    writers = {"txt": _as_text, "html": _as_html}
    if call.output_format == "eml":
        call.target.write_bytes(_as_eml(letter))
    else:
        call.target.write_text(writers[call.output_format](letter), encoding="utf-8")
    call.progress(1.0, "done")
    return EngineResult(
        outputs=(call.target,),
        facts={"attachments": len(letter.attachments), "subject": letter.headers.get("Subject")},
    )


def _standard(call: EngineCall) -> _Letter:
    with call.source.open("rb") as file:
        message = message_from_binary_file(file, policy=policy.default)
    if not isinstance(message, EmailMessage) or not message.keys():
        raise InputRejected("The file is no message.")
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    attachments = [
        (part.get_filename() or "attachment", part.get_content_type(), _bytes(part))
        for part in message.iter_attachments()
    ]
    return _Letter(
        {name: str(message[name]) for name in _SHOWN if message[name]},
        _content(bodies["plain"]),
        _content(bodies["html"]),
        tuple(attachments),
    )


def _content(part: Any) -> str:
    if part is None:
        return ""
    raw = bytes(part.get_payload(decode=True) or b"")
    return decoded(raw, str(part.get_param("charset") or "us-ascii"))


def _bytes(part: Any) -> bytes:
    if part.get_content_maintype() == "message":
        return bytes(part.get_payload(0).as_bytes())
    return bytes(part.get_payload(decode=True) or b"")


def _outlook(call: EngineCall) -> _Letter:
    from oxmsg import Message  # noqa: PLC0415 (imported in the sandboxed child only)

    know_windows_names()
    found = Message.load(str(call.source))
    headers = {
        "From": found.sender or "",
        "To": ", ".join(one.email_address or one.name or "" for one in found.recipients),
        "Date": format_datetime(found.sent_date) if found.sent_date else "",
        "Subject": found.subject or "",
    }
    attachments = [
        (_ended(one.file_name) or "attachment", one.mime_type or "", bytes(one.file_bytes or b""))
        for one in found.attachments
    ]
    texts = {name: " ".join(_ended(value).split()) for name, value in headers.items()}
    clean = {name: value for name, value in texts.items() if value}
    return _Letter(clean, _ended(found.body), _ended(_page_of(found)), tuple(attachments))


def _ended(text: str | None) -> str:
    """Without the NUL that some writers end their strings with."""
    return (text or "").replace("\x00", "")


def _page_of(found: Any) -> str:
    """The HTML body, by the encoding that it names itself: Outlook's own note is often wrong."""
    from oxmsg.domain import constants  # noqa: PLC0415

    raw = found.properties.binary_prop_value(constants.PID_HTML) or b""
    named = re.search(rb"charset=[\"']?([\w-]+)", raw[:4096], re.IGNORECASE)
    if named:
        return decoded(raw, named[1].decode())
    return found.html_body or ""


class _Tidy(HTMLParser):
    """Keeps words and harmless tags."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag in _TAGS and not self.silent:
            link = dict(attrs).get("href") or ""
            safe = tag == "a" and link.startswith(("http://", "https://", "mailto:"))
            self.parts.append(f'<a href="{html.escape(link)}">' if safe else f"<{tag}>")
            if tag in ("p", "br", "div", "tr", "li", "h1", "h2", "h3"):
                self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in _TAGS and not self.silent and tag not in ("br", "hr"):
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(html.escape(data))
            self.words.append(data)


def _tidy(page: str) -> _Tidy:
    reader = _Tidy()
    reader.feed(page)
    reader.close()
    return reader


def _named(letter: _Letter) -> list[str]:
    return [f"{name} ({len(data)} bytes)" for name, _, data in letter.attachments]


def _as_text(letter: _Letter) -> str:
    head = [f"{name}: {value}" for name, value in letter.headers.items()]
    body = letter.text or "".join(_tidy(letter.html).words)
    tail = ["", "Attachments:", *_named(letter)] if letter.attachments else []
    return "\n".join([*head, "", body.replace("\r\n", "\n").strip(), *tail]) + "\n"


def _as_html(letter: _Letter) -> str:
    rows = [*letter.headers.items(), *(("Attachment", name) for name in _named(letter))]
    head = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>\n"
        for name, value in rows
    )
    page = _tidy(letter.html)
    body = "".join(page.parts) if "".join(page.words).strip() else ""  # some say it in text only
    body = body or f"<pre>{html.escape(letter.text)}</pre>"
    title = html.escape(letter.headers.get("Subject", "Message"))
    way = ' dir="rtl"' if is_from_right("".join(page.words) + letter.text) else ""
    return (
        f"<!DOCTYPE html>\n<html{way}>"
        f'<head><meta charset="utf-8"><title>{title}</title></head><body>\n'
        f"<table>\n{head}</table>\n<hr>\n{body}\n</body></html>\n"
    )


def _as_eml(letter: _Letter) -> bytes:
    made = EmailMessage(policy=policy.SMTP)
    for name, value in letter.headers.items():
        made[name] = value
    made.set_content(letter.text or "".join(_tidy(letter.html).words))
    if letter.html:
        made.add_alternative(letter.html, subtype="html")
    for name, media_type, data in letter.attachments:
        main, _, sub = media_type.partition("/")
        kind = (main, sub) if sub and main not in ("message", "multipart") else None
        maintype, subtype = kind or ("application", "octet-stream")
        made.add_attachment(data, maintype=maintype, subtype=subtype, filename=name)
    return made.as_bytes()


SPEC = EngineSpec(
    id="mail",
    name="E-mail",
    licence="MIT",
    routes=(
        Route(inputs=("eml", "msg"), outputs=("html",), fidelity=80, loses=("attachments",)),
        Route(
            inputs=("eml", "msg"), outputs=("txt",), fidelity=70, loses=("attachments", "layout")
        ),
        Route(inputs=("msg",), outputs=("eml",), fidelity=90, loses=("Outlook's own fields",)),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=0.1,
    units=1,
    find_version=find_version,
    run=run,
    preload=("email.message", "email.policy", "html.parser", "oxmsg"),
)
