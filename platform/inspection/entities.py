"""Short names for text that a drawing declares for itself, as Illustrator's drawings do.

Entities that name files, or stand for other entities, are refused where files are received.
"""

from __future__ import annotations

import re

_MOST, _LONGEST = 64, 128  # names, and letters of each: what they unfold to stays small
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^\[>]*\[(.*?)\]\s*>", re.S | re.I)
_ONE = re.compile(r"""<!ENTITY\s+([\w.:-]+)\s+(?:"([^"&%<]*)"|'([^'&%<]*)')\s*>""")

_HARMLESS = re.compile(r"<!--.*?-->|<!(?:ATTLIST|ELEMENT)[^>]*>", re.S)


def plain_entities(text: str) -> dict[str, str] | None:
    """Names and texts of a DOCTYPE that declares nothing else; None where there is more."""
    found = _DOCTYPE.search(text)
    if found is None:
        return None
    names = {one[1]: one[2] or one[3] or "" for one in _ONE.finditer(found[1])}
    rest = _HARMLESS.sub("", _ONE.sub("", found[1])).strip()
    small = len(names) <= _MOST and all(len(value) <= _LONGEST for value in names.values())
    return names if small and not rest else None


def unfolded(text: str) -> str:
    """The text with its plain entities in place and not declared; itself where it has none."""
    names = plain_entities(text)
    if not names:
        return text
    bare = _ONE.sub("", text)
    return re.sub(r"&([\w.:-]+);", lambda one: names.get(one[1], one[0]), bare)
