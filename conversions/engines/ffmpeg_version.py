"""Which FFmpeg is installed: shared by the engines that start it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path


def find_version() -> str | None:
    """Version of the installed FFmpeg, as dpkg notes it (starting it takes 40 ms)."""
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        return None
    status = Path("/var/lib/dpkg/status")
    text = status.read_text(errors="replace") if status.exists() else ""
    found = re.search(r"^Package: ffmpeg\n(?:.+\n)*?Version: (?:\d+:)?([\d.]+)", text, re.M)
    return found.group(1) if found else "unknown"
