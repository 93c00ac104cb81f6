"""Mails as the product writes them to its folder."""

from __future__ import annotations

import email
import email.policy
import re
import time
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote

BETWEEN = re.compile(rb"\n-{60,}\n")
TOKEN = re.compile(r"token=([^\s\"'&<>]+)")
LINK = re.compile(r"https?://\S+")


class Letters:
    """The folder, and how to wait for a mail in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.since = folder, time.time() - 5

    def all_to(self, address: str) -> list[EmailMessage]:
        """Every mail of this run to an address, the oldest first."""
        files = [p for p in self.folder.glob("*") if p.stat().st_mtime > self.since]
        files.sort(key=lambda path: path.stat().st_mtime_ns)
        parts = [part for path in files for part in BETWEEN.split(path.read_bytes())]
        found = [
            email.message_from_bytes(part, policy=email.policy.default)
            for part in parts
            if address.encode() in part
        ]
        return [mail for mail in found if mail["To"] == address]

    def wait(
        self, address: str, subject: str = "", *, seen: int = 0, seconds: float = 30
    ) -> EmailMessage:
        """The newest mail with these words in its subject, once there are more than ``seen``."""
        deadline = time.monotonic() + seconds
        while True:
            mails = [m for m in self.all_to(address) if subject.lower() in m["Subject"].lower()]
            if len(mails) > seen:
                return mails[-1]
            if time.monotonic() > deadline:
                raise AssertionError(f"no mail to {address} about {subject!r}")
            time.sleep(0.05)

    def token(self, address: str, subject: str = "", *, seen: int = 0) -> str:
        """The token of that mail's link."""
        return token_of(self.wait(address, subject, seen=seen))


def text_of(mail: EmailMessage) -> str:
    """The plain part."""
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


def token_of(mail: EmailMessage) -> str:
    """The token of the link in a mail."""
    found = TOKEN.search(text_of(mail))
    assert found, text_of(mail)
    return unquote(found[1])


def links_with_token(mail: EmailMessage) -> list[str]:
    """Every link of a mail that does something."""
    return [link for link in LINK.findall(text_of(mail)) if "token=" in link]
