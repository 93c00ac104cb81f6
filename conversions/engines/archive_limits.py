"""What every archive is held to, in either direction, and how libarchive's refusals are named."""

from __future__ import annotations

import ctypes.util
import importlib.metadata

from conversions.engines.spec import EngineCall, InputRejected, LimitExceeded
from inspection.nesting import MAX_DEPTH, MAX_RATIO, MAX_UNPACKED, RATIO_FROM, weigh_bytes

MAX_ENTRIES = 10_000


def libarchive_version() -> str | None:
    """Version of libarchive-c, if the library itself is here."""
    try:
        version = importlib.metadata.version("libarchive-c")
    except importlib.metadata.PackageNotFoundError:
        return None
    return version if ctypes.util.find_library("archive") else None


class Meter:
    """Counts what comes out of an archive of ``packed`` bytes and stops it in time."""

    def __init__(self, packed: int) -> None:
        self.packed, self.entries, self.unpacked = max(packed, 1), 0, 0

    def entry(self, count: int = 1) -> None:
        """So many more entries."""
        self.entries += count
        if self.entries > MAX_ENTRIES:
            raise _bomb(f"The archive has over {MAX_ENTRIES} entries.")

    def block(self, size: int) -> None:
        """So many more bytes."""
        self.unpacked += size
        large = self.unpacked > RATIO_FROM and self.unpacked > MAX_RATIO * self.packed
        if large or self.unpacked > MAX_UNPACKED:
            raise _bomb("The archive unpacks to far more than its size and was refused.")

    def nested(self, content: bytes) -> None:
        """What an archive in the archive would unpack to counts as well."""
        if weight := weigh_bytes(content):
            if weight.depth >= MAX_DEPTH:
                raise _bomb("Archives lie in archives, too deep.")
            self.entry(weight.entries)
            self.block(weight.size)


def _bomb(text: str) -> LimitExceeded:
    return LimitExceeded(text, code="archive_bomb")


def dropped(names: list[str]) -> tuple[str, ...]:
    """The warning about entries that were left out; nothing when there are none."""
    if not names:
        return ()
    shown = ", ".join(name[:60] for name in names[:5])
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (f"Entries were dropped (links, devices or unsafe names): {shown}{more}.",)


def refusal(call: EngineCall, error: Exception) -> Exception:
    """What the customer hears when libarchive gives up."""
    words = str(error)
    lower = words.lower()
    if "passphrase" in lower or "encrypt" in lower:
        if call.password:
            text = "The password does not open the archive."
            return InputRejected(text, code="password_wrong", detail=words)
        text = "The archive is locked; a password is needed."
        return InputRejected(text, code="file_encrypted", detail=words)
    if "no space" in lower or "too large" in lower:
        return LimitExceeded("The result is too large.", code="output_too_large", detail=words)
    if "support unavailable" in lower or "unsupported" in lower:
        text = "The archive is packed in a way that can't be read here, such as solid RAR 4."
        return InputRejected(text, code="engine_failed", detail=words)
    return InputRejected("The archive is damaged or cut off.", detail=words)
