"""`python -m conversions.shared.fixture`: initial_file_formats.json from inspection.formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conversions.engines import registry
from inspection.formats import FORMATS

PATH = Path(__file__).resolve().parents[1] / "fixtures" / "initial_file_formats.json"


def rows() -> list[dict[str, Any]]:
    """The fixture, as `loaddata` takes it; what engines bring among it."""
    assert registry.ENGINES  # noqa: S101 (loading them made their formats known)
    return [
        {
            "model": "conversions_shared.fileformat",
            "pk": row.code,
            "fields": {
                "name": row.name,
                "family": row.family,
                "extensions": list(row.extensions),
                "media_types": list(row.media_types),
            },
        }
        for row in FORMATS
    ]


def write() -> None:
    """Write the file anew."""
    PATH.write_text(json.dumps(rows(), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write()
