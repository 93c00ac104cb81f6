"""In the sandboxed child: lay recognised, invisible text under the pages of a scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conversions.engines.pdf_open_pike import open_pike
from conversions.engines.spec import EngineError


def work(payload: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """{source, target, texts: {page number: text-only PDF}} → {pages} or {failure}."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    warnings: list[str] = []
    try:
        with open_pike(Path(payload["source"]), payload.get("password"), warnings) as pdf:
            for number, path in payload["texts"].items():
                page = pdf.pages[int(number)]
                with pikepdf.open(path) as text:
                    mine = text.pages[0]
                    turned = int(page.obj.get("/Rotate", 0)) % 360
                    mine.obj.Rotate = (360 - turned) % 360
                    page.add_underlay(mine, pikepdf.Rectangle(*map(float, page.cropbox)))
            pages = len(pdf.pages)
            pdf.save(payload["target"], encryption=False)
    except EngineError as error:
        return {"failure": {"public": error.public, "detail": error.detail, "code": error.code}}
    return {"pages": pages, "warnings": warnings}
