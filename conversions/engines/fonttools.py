"""fontTools (MIT): fonts among TrueType, OpenType, web fonts and their XML.

The tables of a font are kept; only its outlines are rewritten where TrueType and OpenType differ
(curves of second and third degree), within a thousandth of the letter's height.
Source: https://fonttools.readthedocs.io/
"""

from __future__ import annotations

import importlib.metadata
from typing import Any

from pydantic import Field

from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    LimitExceeded,
    Queue,
    Route,
    Runner,
)

_MOST_BYTES = 64 << 20
_MOST_GLYPHS = 65_535


class Options(EngineOptions):
    """How outlines are rewritten."""

    tolerance: float = Field(
        default=1.0, ge=0.1, le=10, description="Thousandths of the letter's height, otf to ttf."
    )


def find_version() -> str | None:
    """Version of the installed fontTools."""
    try:
        return importlib.metadata.version("fonttools")
    except importlib.metadata.PackageNotFoundError:
        return None


def run(call: EngineCall) -> EngineResult:
    """Open, bring outlines to what the target holds, save. Runs in a sandboxed child."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415 (imported in the sandboxed child only)

    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    if call.source.stat().st_size > _MOST_BYTES:
        raise LimitExceeded("Fonts of more than 64 MB are not taken.")
    call.progress(0.1, "reading")
    try:
        font = _open(call, TTFont)
        count = len(font.getGlyphOrder())
        _fit(font, call.output_format, options)
        font.flavor = call.output_format if call.output_format in ("woff", "woff2") else None
        call.progress(0.7, "writing")
        if call.output_format == "ttx":
            font.saveXML(str(call.target))
        else:
            font.save(str(call.target))
    except MemoryError:
        raise
    except Exception as error:  # its readers raise whatever broken tables lead to
        text = "The font is damaged, or of a kind that can't be converted."
        raise InputRejected(text, detail=f"{type(error).__name__}: {error}") from error
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,), facts={"glyphs": count})


def _open(call: EngineCall, kind: Any) -> Any:
    if call.input_format != "ttx":
        return kind(str(call.source), lazy=False, recalcTimestamp=False)
    text = call.source.read_text("utf-8", errors="replace")
    if "<!DOCTYPE" in text[:4096] or 'src="' in text or "<extraLine" in text:
        raise ValueError("entities or includes in the XML")
    font = kind(recalcTimestamp=False)
    font.importXML(str(call.source))
    return font


def _fit(font: Any, target: str, options: Options) -> None:
    if target == "otf" and "glyf" in font:
        _to_cubic(font)
    elif target == "ttf" and "CFF " in font:
        _to_quadratic(font, options.tolerance)
    elif target in ("otf", "ttf") and "glyf" not in font and "CFF " not in font:
        raise ValueError("no outlines")


def _to_cubic(font: Any) -> None:
    """TrueType outlines drawn anew as CFF; curves of second degree lose nothing in it."""
    _name_the_first(font)
    from fontTools.fontBuilder import FontBuilder  # noqa: PLC0415
    from fontTools.pens.t2CharStringPen import T2CharStringPen  # noqa: PLC0415

    glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
    drawn = {}
    for name in order:
        pen = T2CharStringPen(round(glyphs[name].width), glyphs)
        glyphs[name].draw(pen)
        drawn[name] = pen.getCharString()
    label = str(font["name"].getDebugName(6) or "Font").replace(" ", "")[:60]
    for tag in ("glyf", "loca", "gvar", "cvt ", "fpgm", "prep", "gasp", "hdmx", "LTSH", "VDMX"):
        if tag in font:
            del font[tag]
    builder = FontBuilder(font=font)
    builder.isTTF = False
    font.sfntVersion = "OTTO"
    builder.setupCFF(label, {"FullName": label}, drawn, {})
    maxp = font["maxp"]
    maxp.tableVersion = 0x00005000
    builder.setupDummyDSIG() if "DSIG" in font else None


def _name_the_first(font: Any) -> None:
    """CFF insists on the name of glyph 0; the tables that name glyphs are read after this."""
    first, *rest = font.getGlyphOrder()
    if first != ".notdef":
        others = [name if name != ".notdef" else ".notdef.other" for name in rest]
        font.setGlyphOrder([".notdef", *others])


def _to_quadratic(font: Any, tolerance: float) -> None:
    """CFF outlines drawn anew as TrueType."""
    from fontTools.fontBuilder import FontBuilder  # noqa: PLC0415
    from fontTools.pens.cu2quPen import Cu2QuPen  # noqa: PLC0415
    from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415

    glyphs, order = font.getGlyphSet(), font.getGlyphOrder()
    if len(order) > _MOST_GLYPHS:
        raise ValueError("too many glyphs")
    most = tolerance * font["head"].unitsPerEm / 1000
    drawn = {}
    for name in order:
        pen = TTGlyphPen(glyphs)
        glyphs[name].draw(Cu2QuPen(pen, most, reverse_direction=True))
        drawn[name] = pen.glyph()
    for tag in ("CFF ", "VORG"):
        if tag in font:
            del font[tag]
    font.sfntVersion = "\x00\x01\x00\x00"
    builder = FontBuilder(font=font)
    builder.isTTF = True
    maxp = font["maxp"]
    maxp.tableVersion = 0x00010000
    for field in ("maxZones", "maxTwilightPoints", "maxStorage", "maxFunctionDefs"):
        setattr(maxp, field, 1 if field == "maxZones" else 0)
    for field in ("maxInstructionDefs", "maxStackElements", "maxSizeOfInstructions"):
        setattr(maxp, field, 0)
    maxp.maxComponentElements = max(
        (len(g.components) for g in drawn.values() if g.isComposite()), default=0
    )
    builder.setupGlyf(drawn)
    post = font["post"]
    post.formatType, post.extraNames, post.mapping = 2.0, [], {}
    post.glyphOrder = order


SPEC = EngineSpec(
    id="fonttools",
    name="fontTools",
    licence="MIT",
    routes=(
        Route(
            inputs=("ttf", "otf", "woff", "woff2", "ttx"),
            outputs=("woff", "woff2", "ttx"),
            fidelity=99,
        ),
        Route(
            inputs=("ttf", "otf", "woff", "woff2", "ttx"),
            outputs=("ttf", "otf"),
            fidelity=95,
            loses=("hints, where outlines are rewritten",),
        ),
    ),
    options=Options,
    runner=Runner.PYTHON,
    queue=Queue.CONVERT,
    sandbox="document",
    seconds=1.0,
    units=1,
    find_version=find_version,
    run=run,
    preload=(
        "fontTools.ttLib",
        "fontTools.fontBuilder",
        "fontTools.pens.cu2quPen",
        "fontTools.pens.t2CharStringPen",
        "fontTools.pens.ttGlyphPen",
        "brotli",
    ),
)
