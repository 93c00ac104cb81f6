"""Short questions about a format's code."""

from __future__ import annotations

from inspection.formats import BY_CODE, canonical


def canonical_or_same(code: str) -> str:
    """The canonical code of any spelling; an unknown one in lower case, to be refused by name."""
    return canonical(code) or code.strip().lower()[:20]


def family_of(code: str) -> str:
    """A format's family; ``other`` for an unknown code."""
    found = BY_CODE.get(code)
    return found.family if found else "other"


def extension_of(code: str) -> str:
    """The extension that we write; the code itself for an unknown one."""
    found = BY_CODE.get(code)
    return found.extensions[0] if found else code


def media_type_of(code: str) -> str:
    """The media type that we send."""
    found = BY_CODE.get(code)
    return found.media_types[0] if found else "application/octet-stream"
