"""How people may be called."""

from __future__ import annotations

import re
import unicodedata

from core.errors import invalid

USERNAME = re.compile(r"[\w.+-]{1,150}")


def plain_username(text: str) -> str:
    """A user name in one spelling: what only looks like other letters (ſ, full width) is them."""
    return unicodedata.normalize("NFKC", text).strip()


def clean_username(text: str) -> str:
    """A user name in one spelling. Raises ValidationFailed.

    It has no @, which tells it from an address.
    """
    name = plain_username(text)
    if not USERNAME.fullmatch(name):
        raise invalid("username", "Use letters, digits and . + - _ only; log in by your address.")
    return name


def clean_full_name(text: str) -> str:
    """One line, since it stands in mails. Raises ValidationFailed."""
    name = text.strip()
    if not name.isprintable():
        raise invalid("full_name", "Use printable characters only.")
    return name
