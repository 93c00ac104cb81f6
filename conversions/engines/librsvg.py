"""librsvg (LGPL-2.1): SVG drawings to pictures, PDF and PostScript.

Draws what browsers draw, without scripts or animation. Other files are loaded only from the
drawing's own folder, which holds nothing else; there is no network in the sandbox.
Source: https://gnome.pages.gitlab.gnome.org/librsvg/Rsvg-2.0/
"""

from __future__ import annotations

from pydantic import Field

from conversions.engines.program import debian_version, run_program
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    Queue,
    Route,
    Runner,
)


class Options(EngineOptions):
    """Size and ground of the drawing."""

    width: int | None = Field(default=None, ge=1, le=16_000, description="Width in pixels.")
    height: int | None = Field(default=None, ge=1, le=16_000, description="Height in pixels.")
    dpi: int = Field(default=96, ge=10, le=1200, description="Pixels an inch for mm and pt.")
    background: str | None = Field(
        default=None,
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="Colour behind the drawing; none leaves it clear.",
    )


def find_version() -> str | None:
    """Version of the installed librsvg."""
    return debian_version("librsvg2-bin", "rsvg-convert")


def run(call: EngineCall) -> EngineResult:
    """Draw it once; width and height fit the drawing inside, in its own proportion."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    call.progress(0.05, "drawing")
    argv = ["rsvg-convert", f"--format={call.output_format}", "--keep-aspect-ratio"]
    argv += [f"--dpi-x={options.dpi}", f"--dpi-y={options.dpi}"]
    argv += [f"--width={options.width}"] if options.width else []
    argv += [f"--height={options.height}"] if options.height else []
    argv += [f"--background-color={options.background}"] if options.background else []
    argv += [f"--output={call.target}", str(call.source)]
    run_program(call, argv, profile="picture", name="librsvg", writes=call.target)
    call.progress(1.0, "done")
    return EngineResult(outputs=(call.target,))


SPEC = EngineSpec(
    id="librsvg",
    name="librsvg",
    licence="LGPL-2.1-or-later",
    routes=(
        Route(
            inputs=("svg", "svgz"),
            outputs=("png",),
            fidelity=95,
            loses=("sharpness at larger sizes", "scripts and animation"),
        ),
        Route(
            inputs=("svg", "svgz"),
            outputs=("pdf", "ps", "eps"),
            fidelity=95,
            loses=("scripts and animation",),
        ),
        Route(
            inputs=("svgz",),
            outputs=("svg",),
            fidelity=90,
            loses=("structure: text becomes shapes", "scripts and animation"),
        ),
    ),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="picture",
    seconds=0.2,
    units=1,
    find_version=find_version,
    run=run,
)
