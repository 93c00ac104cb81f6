"""Make a PDF smaller: pictures of fewer pixels, packed objects; never a larger file."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING, Any

from conversions.engines.pdf_open import open_pike
from conversions.engines.spec import EngineCall, EngineResult

if TYPE_CHECKING:
    from conversions.engines.pdf_tools import CompressOptions

# level → dots per inch that pictures keep, JPEG quality; None: pictures stay as they are
LEVELS: dict[str, tuple[int, int] | None] = {
    "low": None,
    "medium": (150, 75),
    "high": (96, 50),
}
MAX_PIXELS = 120_000_000  # of one picture that is taken apart
_LEAST_BYTES = 8_000  # smaller pictures are not worth it


def compress(call: EngineCall, options: CompressOptions) -> EngineResult:
    """The smaller file, or the original when nothing can be won. Facts: before, after, saved."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    warnings: list[str] = []
    before = call.source.stat().st_size
    with open_pike(call.source, call.password, warnings) as pdf:
        chosen = LEVELS[options.level]
        wanted = (options.dpi or (chosen[0] if chosen else 0), options.quality)
        if chosen or options.dpi:
            quality = wanted[1] or (chosen[1] if chosen else 75)
            _shrink_pictures(pdf, wanted[0], quality, call)
        if options.strip_metadata:
            _drop(pdf.Root, "/Metadata")
            del pdf.docinfo
        _drop(pdf.Root, "/PieceInfo")
        pdf.remove_unreferenced_resources()
        locked, disarmed = pdf.is_encrypted, bool(warnings)
        pdf.save(
            call.target,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            compress_streams=True,
            recompress_flate=True,
            encryption=False,
        )
        pages = len(pdf.pages)
    after = call.target.stat().st_size
    kept = after >= before and not locked and not disarmed
    if kept:
        shutil.copyfile(call.source, call.target)
        warnings.append("Nothing could be saved; the original file is returned unchanged.")
        after = before
    facts = {"pages": pages, "before": before, "after": after, "kept_original": kept}
    facts |= {"disarmed": disarmed}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _drop(holder: Any, name: str) -> None:
    if name in holder:
        del holder[name]


def _shrink_pictures(pdf: Any, dpi: int, quality: int, call: EngineCall) -> None:
    seen: set[Any] = set()
    pages = len(pdf.pages)
    for done, page in enumerate(pdf.pages, 1):
        box = [float(value) for value in page.mediabox]
        inches = max(abs(box[2] - box[0]), abs(box[3] - box[1])) / 72
        for picture in _pictures(page):
            if picture.objgen in seen:
                continue
            seen.add(picture.objgen)
            _shrink(picture, max(64, round(inches * dpi)), quality)
        call.progress(0.85 * done / pages, "compressing pictures")


def _pictures(page: Any) -> list[Any]:
    try:
        return [obj for obj in page.images.values() if obj.objgen != (0, 0)]
    except (ValueError, TypeError, AttributeError, KeyError):
        return []


def _shrink(picture: Any, most: int, quality: int) -> None:
    """Re-encode one picture if it is a plain one and gets smaller by it."""
    import pikepdf  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    try:
        if not _is_plain(picture):
            return
        old = len(picture.read_raw_bytes())
        if old < _LEAST_BYTES:
            return
        image = pikepdf.PdfImage(picture).as_pil_image()
    except MemoryError:
        raise
    except Exception:
        return
    if image.mode not in ("RGB", "L", "P"):
        return
    image = image.convert("RGB") if image.mode == "P" else image
    share = most / max(image.size)
    if share < 1:
        size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
        image = image.resize(size, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    if len(out.getvalue()) > 0.95 * old:
        return
    picture.write(out.getvalue(), filter=pikepdf.Name.DCTDecode)
    picture.Width, picture.Height, picture.BitsPerComponent = image.width, image.height, 8
    picture.ColorSpace = pikepdf.Name.DeviceGray if image.mode == "L" else pikepdf.Name.DeviceRGB


def _is_plain(picture: Any) -> bool:  # noqa: PLR0911 (a list of reasons)
    """No masks by colour, no inverted values, no one-bit drawing, no special colour space."""
    if picture.get("/ImageMask", False) or "/Decode" in picture:
        return False
    if "/Mask" in picture or "/Matte" in picture.get("/SMask", {}):
        return False
    if int(picture.get("/BitsPerComponent", 8)) != 8:
        return False
    if int(picture.Width) * int(picture.Height) > MAX_PIXELS:
        return False
    space = picture.get("/ColorSpace")
    if str(space) in ("/DeviceRGB", "/DeviceGray"):
        return True
    try:
        kind = str(space[0])
        if kind == "/ICCBased":
            return int(space[1].N) in (1, 3)
        return kind in ("/CalRGB", "/CalGray") or (
            kind == "/Indexed" and str(space[1]) in ("/DeviceRGB", "/DeviceGray")
        )
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return False
