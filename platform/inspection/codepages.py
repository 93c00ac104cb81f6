"""Windows' code pages under the names that Outlook's files give them: ``windows-950`` is cp950."""

from __future__ import annotations

import codecs
import re


def _windows(name: str) -> codecs.CodecInfo | None:
    found = re.fullmatch(r"windows[-_](\d{3,5})", name)
    try:
        return codecs.lookup(f"cp{found[1]}") if found else None
    except LookupError:
        return None


def know_windows_names() -> None:
    """Let Python decode by these names; does nothing the second time."""
    codecs.unregister(_windows)
    codecs.register(_windows)
