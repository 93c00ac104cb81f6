"""Hard links and entries that a later one replaces: what tar archives hold and others can't say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from conversions.engines.archive_limits import MAX_ENTRIES
from conversions.engines.archive_read import SINGLE, open_entries
from conversions.engines.spec import EngineCall
from inspection.archive_names import safe_name

_MOST_HELD = 256 << 20  # bytes of linked files that are kept in memory


@dataclass
class Links:
    """Names that hard links lead to, with contents as they come by, and numbers of old entries."""

    wanted: set[str] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)
    held: dict[str, bytes] = field(default_factory=dict)

    def keep(self, entry: Any, content: bytes) -> None:
        """Remember what a link will ask for."""
        used = sum(map(len, self.held.values()))
        if entry.pathname in self.wanted and used + len(content) <= _MOST_HELD:
            self.held[entry.pathname] = content


def survey(call: EngineCall) -> Links:
    """Look at all names once; the last entry of a name is the one that unpacking leaves."""
    links = Links()
    if call.input_format in SINGLE:
        return links
    latest: dict[str, int] = {}
    with open_entries(call) as entries:
        for number, entry in enumerate(entries):
            if number >= MAX_ENTRIES:
                break
            if entry.isdir or entry.issym:
                continue
            if entry.islnk:
                links.wanted.add(entry.linkpath)
            name = safe_name(entry.pathname)
            if name is None:
                continue
            if (old := latest.get(name)) is not None:
                links.replaced.add(old)
            latest[name] = number
    return links
