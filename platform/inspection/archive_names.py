"""Names inside archives: what may stay, spelled so that every system can unpack it."""

from __future__ import annotations

import unicodedata

_MAX_BYTES = 1024


def safe_name(name: str | None, *, flat: bool = False) -> str | None:
    """A relative path below the folder, or None when the entry must be dropped."""
    if not name:
        return None
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    if path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return None
    parts = [part for part in path.split("/") if part not in ("", ".")]
    clean = all(part != ".." and not any(ord(c) < 32 for c in part) for part in parts)
    if not parts or not clean or len("/".join(parts).encode("utf-8", "replace")) > _MAX_BYTES:
        return None
    return parts[-1] if flat else "/".join(parts)
