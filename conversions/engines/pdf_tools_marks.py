"""Watermarks, passwords, metadata: what is laid over or around the pages."""

from __future__ import annotations

import math
import secrets
from typing import TYPE_CHECKING, Any

from conversions.engines import pdf_write
from conversions.engines.page_ranges import pages_of
from conversions.engines.pdf_open import open_pike
from conversions.engines.pdf_write import save
from conversions.engines.spec import EngineCall, EngineResult, InputRejected

if TYPE_CHECKING:
    from conversions.engines.pdf_tools import ProtectOptions, StripOptions, WatermarkOptions

_FONT_FILES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
)
_WIDTH = 0.6  # of a letter of Helvetica bold, in its height: enough to fit a word on a page


def protect(call: EngineCall, options: ProtectOptions) -> EngineResult:
    """Lock by AES-256 (PDF 2.0, revision 6). ``call.password`` is the new password."""
    if not call.password:
        raise InputRejected("Send the new `password`.", code="engine_failed")
    warnings: list[str] = []
    with open_pike(call.source, None, warnings) as pdf:
        free = options.allow_print and options.allow_copy and options.allow_edit
        # With restrictions nobody holds the owner's password, else they would be lifted by it.
        owner = call.password if free else secrets.token_urlsafe(24)
        lock = pdf_write.lock(
            call.password,
            owner,
            printing=options.allow_print,
            copying=options.allow_copy,
            editing=options.allow_edit,
        )
        save(pdf, call.target, call, encryption=lock)
        facts = {"pages": len(pdf.pages), "encryption": "AES-256"}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def unlock(call: EngineCall) -> EngineResult:
    """Save without any lock; needs the password, unless only an owner's lock is on it."""
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        if not pdf.is_encrypted:
            warnings.append("The PDF was not locked.")
        save(pdf, call.target, call, encryption=False)
        facts = {"pages": len(pdf.pages)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def strip(call: EngineCall, options: StripOptions) -> EngineResult:
    """Remove the document information, XMP, thumbnails and editors' private data."""
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        for holder in (pdf.Root, *(page.obj for page in pdf.pages)):
            for name in ("/Metadata", "/PieceInfo", "/LastModified", "/Thumb"):
                if name in holder:
                    del holder[name]
        del pdf.docinfo
        save(pdf, call.target, call, deterministic_id=True)
        facts = {"pages": len(pdf.pages)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def watermark(call: EngineCall, options: WatermarkOptions) -> EngineResult:
    """The words over (or under) the chosen pages."""
    warnings: list[str] = []
    with open_pike(call.source, call.password, warnings) as pdf:
        numbers = pages_of(options.page_range, len(pdf.pages))
        mark = _drawn(pdf, options) if _is_latin(options.text) else _painted(pdf, options)
        for done, number in enumerate(numbers, 1):
            _lay(pdf, pdf.pages[number], mark, options)
            call.progress(0.9 * done / len(numbers), "marking pages")
        save(pdf, call.target, call)
        facts = {"pages": len(pdf.pages), "marked": len(numbers)}
    return EngineResult(outputs=(call.target,), warnings=tuple(warnings), facts=facts)


def _is_latin(text: str) -> bool:
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _colours(options: WatermarkOptions) -> tuple[int, int, int]:
    value = options.color.lstrip("#")
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def _drawn(pdf: Any, options: WatermarkOptions) -> tuple[Any, float, float]:
    """(form, width, height) with real letters, one unit high per point of the size."""
    import pikepdf  # noqa: PLC0415 (imported in the sandboxed child only)

    high = float(options.size)
    wide = max(1.0, high * _WIDTH * len(options.text))
    red, green, blue = (value / 255 for value in _colours(options))
    text = options.text.encode("cp1252").hex()
    code = (
        f"/G0 gs BT /F0 {high} Tf {red:.3f} {green:.3f} {blue:.3f} rg 0 {high * 0.2:.2f} Td "
        f"<{text}> Tj ET"
    )
    form = pdf.make_stream(code.encode())
    form.Type, form.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    form.BBox = [0, 0, wide, high * 1.2]
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type1,
        BaseFont=pikepdf.Name("/Helvetica-Bold"),
        Encoding=pikepdf.Name.WinAnsiEncoding,
    )
    clear = pikepdf.Dictionary(ca=options.opacity, CA=options.opacity)
    form.Resources = pikepdf.Dictionary(
        Font=pikepdf.Dictionary(F0=font), ExtGState=pikepdf.Dictionary(G0=clear)
    )
    return form, wide, high * 1.2


def _painted(pdf: Any, options: WatermarkOptions) -> tuple[Any, float, float]:
    """The same as a picture, for letters that the standard fonts lack."""
    import pikepdf  # noqa: PLC0415
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415

    scale = 3
    font = None
    for name in _FONT_FILES:
        try:
            font = ImageFont.truetype(name, options.size * scale)
            break
        except OSError:
            continue
    if font is None:
        raise InputRejected("No font here can write these letters.", code="engine_failed")
    left, top, right, bottom = font.getbbox(options.text)
    size = (max(1, round(right - left)), max(1, round(bottom - top)))
    mask = Image.new("L", size, 0)
    strength = round(255 * options.opacity)
    ImageDraw.Draw(mask).text((-left, -top), options.text, fill=strength, font=font)
    picture = pdf.make_stream(bytes(_colours(options)) * (size[0] * size[1]))
    alpha = pdf.make_stream(mask.tobytes())
    for one, space in ((picture, "/DeviceRGB"), (alpha, "/DeviceGray")):
        one.Type, one.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
        one.Width, one.Height, one.BitsPerComponent = size[0], size[1], 8
        one.ColorSpace = pikepdf.Name(space)
    picture.SMask = pdf.make_indirect(alpha)
    wide, high = size[0] / scale, size[1] / scale
    form = pdf.make_stream(f"{wide:.2f} 0 0 {high:.2f} 0 0 cm /I0 Do".encode())
    form.Type, form.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    form.BBox = [0, 0, wide, high]
    form.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(I0=picture))
    return form, wide, high


def _lay(pdf: Any, page: Any, mark: tuple[Any, float, float], options: WatermarkOptions) -> None:
    """Place the form by a matrix: shrunk to the page, turned, at its position."""
    import pikepdf  # noqa: PLC0415

    form, wide, high = mark
    box = [float(value) for value in page.cropbox]
    page_wide, page_high = box[2] - box[0], box[3] - box[1]
    turn = math.radians(options.angle + float(page.obj.get("/Rotate", 0)))
    across = abs(wide * math.cos(turn)) + abs(high * math.sin(turn))
    along = abs(wide * math.sin(turn)) + abs(high * math.cos(turn))
    share = min(1.0, 0.95 * page_wide / across, 0.95 * page_high / along)
    rows = {"top": 0.94, "center": 0.5, "bottom": 0.06}
    middle_x = box[0] + page_wide / 2
    half = along * share / 2
    middle_y = box[1] + min(max(rows[options.position] * page_high, half), page_high - half)
    cos, sin = math.cos(turn) * share, math.sin(turn) * share
    left = middle_x - (wide * cos - high * sin) / 2
    low = middle_y - (wide * sin + high * cos) / 2
    name = page.add_resource(form, pikepdf.Name.XObject)
    code = f"q {cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {left:.3f} {low:.3f} cm {name} Do Q"
    stream = pdf.make_stream(code.encode())
    page.contents_add(b"q", prepend=True)
    page.contents_add(b"Q")
    page.contents_add(stream, prepend=options.layer == "under")
