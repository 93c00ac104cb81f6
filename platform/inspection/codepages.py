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


# What Windows writes under names that stand for less.
_WIDER = {
    "big5": "cp950",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "us-ascii": "utf-8",
}


def decoded(raw: bytes, named: str) -> str:
    """Text in the encoding that it names, or else in UTF-8, where the bytes are that."""
    name = named.strip("\"' ").casefold()
    for encoding in (name, _WIDER.get(name, name), "utf-8"):
        try:
            return raw.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    try:
        return raw.decode(_WIDER.get(name, name), "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def know_windows_names() -> None:
    """Let Python decode by these names; does nothing the second time."""
    codecs.unregister(_windows)
    codecs.register(_windows)
