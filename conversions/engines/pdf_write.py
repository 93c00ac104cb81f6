"""Writing PDFs by pikepdf: the file, its parts, its lock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from conversions.engines.spec import EngineCall, LimitExceeded

MAX_PARTS = 1_000  # files that one split may give


def save(pdf: Any, target: Path, call: EngineCall, **more: Any) -> None:
    """Write; progress is pikepdf's own, told within the last tenth."""
    pdf.save(
        target, progress=lambda percent: call.progress(0.9 + percent / 1000, "writing"), **more
    )


def save_parts(
    pdf: Any, parts: Sequence[Sequence[int]], call: EngineCall, **more: Any
) -> tuple[Path, ...]:
    """One file for each list of zero-based page numbers, in order."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    if len(parts) > MAX_PARTS:
        raise LimitExceeded(f"This would give {len(parts)} files; at most {MAX_PARTS}.")
    outputs = []
    for done, numbers in enumerate(parts, 1):
        made = pikepdf.new()
        made.pages.extend(pdf.pages[number] for number in numbers)
        made.remove_unreferenced_resources()
        target = call.target.with_stem(f"{call.target.stem}-{done}")
        made.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate, **more)
        outputs.append(target)
        call.progress(done / len(parts), "splitting")
    return tuple(outputs)


def every(pages: int, size: int) -> list[range]:
    """Zero-based page numbers of parts of ``size`` pages each, the last one shorter."""
    return [range(first, min(first + size, pages)) for first in range(0, pages, size)]


def lock(user: str, owner: str, *, printing: bool, copying: bool, editing: bool) -> Any:
    """AES-256 (PDF 2.0, revision 6) with what a reader without the owner's password may do."""
    import pikepdf  # noqa: PLC0415

    allow = pikepdf.Permissions(
        print_highres=printing,
        print_lowres=printing,
        extract=copying,
        modify_annotation=editing,
        modify_assembly=editing,
        modify_form=editing,
        modify_other=editing,
    )
    return pikepdf.Encryption(user=user, owner=owner, R=6, aes=True, allow=allow)
