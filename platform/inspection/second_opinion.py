"""magika's word on a file, joined with ours. Its model is loaded by the first who asks.

Not part of `detect`: 100 ms and 60 MB for the model are too much for every upload and process.
Source: https://github.com/google/magika
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from inspection.formats import BY_CODE, canonical

_lock = threading.Lock()
_model: Any = None
# Labels that say less than we know: a text, a container, nothing.
_VAGUE = {"txt", "unknown", "undefined", "empty", "zip", "xml", "ole", "asf", "mp4", "matroska"}
_NAMES = {"jpeg": "jpg", "markdown": "md", "latex": "tex", "pebin": "exe", "postscript": "ps"}


def ask_magika(path: Path) -> tuple[str | None, float]:
    """(label, score 0–1); (None, 0) when magika is not installed."""
    global _model  # noqa: PLW0603
    with _lock:
        if _model is None:
            try:
                from magika import Magika  # noqa: PLC0415 (loads the model)
            except ImportError:
                return None, 0.0
            _model = Magika()
        found = _model.identify_path(path)
    return str(found.output.label), float(found.score)


def joined(code: str | None, confidence: float, label: str | None, score: float) -> float:
    """Confidence in our code after hearing magika: more when it agrees, less when it objects."""
    if code is None or label is None or label in _VAGUE:
        return round(confidence, 3)
    theirs = _NAMES.get(label) or canonical(label) or label
    if theirs == code:
        return round(1 - (1 - confidence) * (1 - 0.9 * score), 3)
    ours, other = BY_CODE.get(code), BY_CODE.get(theirs)
    if ours and other and ours.family == other.family:
        return round(confidence * (1 - 0.1 * score), 3)
    return round(confidence * (1 - 0.4 * score), 3)
