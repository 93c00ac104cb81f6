"""Pandoc (GPL-2.0-or-later): text markup, books and documents among each other.

Keeps structure (headings, lists, tables, links, notes), not looks. The wheel's binary is used with
``--sandbox``, since Debian's can't write docx or epub that way; includes and pictures of others
are never read. Source: https://pandoc.org/MANUAL.html
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import re
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field

from conversions.engines.package_check import open_package
from conversions.engines.program import cpu_for, has_bytes, run_program
from conversions.engines.spec import (
    EngineCall,
    EngineOptions,
    EngineResult,
    EngineSpec,
    InputRejected,
    Queue,
    Route,
    Runner,
)
from sandbox.profiles import PROFILES

# Our code → pandoc's name, where it differs.
_NAMES = {"md": "markdown", "mmd": "markdown_mmd", "phpextra": "markdown_phpextra", "tex": "latex"}
_WRITER_NAMES = {"txt": "plain", "docbook": "docbook5", "epub": "epub3", "jats": "jats_archiving"}
_RICH = ("docx", "odt", "rtf", "epub", "fb2")
_BOTH = (
    *("md", "gfm", "commonmark", "mmd", "phpextra", "rst", "tex", "docbook", "jats"),
    *("org", "textile", "mediawiki", "dokuwiki", "jira", "muse", "man", "haddock", "ipynb"),
    *("native", "html"),
)
_WRITTEN = (
    *("asciidoc", "texinfo", "tei", "icml", "ms", "context", "zimwiki", "xwiki"),
    *("beamer", "revealjs", "slidy", "s5", "dzslides", "slideous"),
)
_REFERENCES = ("bibtex", "biblatex", "csljson")
_BINARY = ("docx", "odt", "epub")
# They have no place for a picture that is written out in its address: it would be noise.
_WITHOUT_DATA = (
    *("rst", "tex", "org", "textile", "mediawiki", "dokuwiki", "jira", "muse", "man", "haddock"),
    *("asciidoc", "texinfo", "ms", "context", "zimwiki", "xwiki", "beamer", "txt"),
)
_DROP_DATA = """
function Image(one)
  if one.src:sub(1, 5) ~= "data:" then return end
  local words = pandoc.utils.stringify(one.caption)
  return words == "background image" and {} or one.caption
end
"""
_LIGHT_BYTES = 1 << 20
_TITLED = ("html", "epub", "revealjs", "slidy", "s5", "dzslides", "slideous")


class Options(EngineOptions):
    """How the text is laid out."""

    table_of_contents: bool = Field(default=False, description="Put a table of contents first.")
    number_sections: bool = Field(default=False, description="Number the headings.")
    title: str | None = Field(default=None, max_length=200, description="Title of the result.")
    wrap: Literal["none", "auto", "preserve"] = Field(
        default="none", description="Line breaks in text formats: none, at 72 signs, as before."
    )


def find_version() -> str | None:
    """Version of the wheel's pandoc; None when the binary isn't there."""
    from sandbox import runner  # noqa: PLC0415 (engines in the child never start programs)

    path = binary()
    if path is None:
        return None
    profile = dataclasses.replace(PROFILES["markup"], binds=(str(path),))
    with tempfile.TemporaryDirectory() as folder:
        ended = runner.run([str(path), "--version"], profile=profile, workdir=Path(folder))
    words = ended.stdout_tail.split()
    return words[1] if ended.returncode == 0 and len(words) > 1 else None


@functools.cache
def binary() -> Path | None:
    """Pandoc's binary inside the wheel."""
    found = importlib.util.find_spec("pypandoc")
    if found is None or not found.origin:
        return None
    path = Path(found.origin).parent / "files" / "pandoc"
    return path.resolve() if path.exists() else None


def _arguments(call: EngineCall, options: Options) -> list[str]:
    reader = _NAMES.get(call.input_format, call.input_format)
    writer = call.output_format
    writer = _WRITER_NAMES.get(writer) or _NAMES.get(writer, writer)
    words = [str(binary()), "--sandbox", "--standalone", f"--from={reader}", f"--to={writer}"]
    words += [f"--wrap={options.wrap}", f"--output={call.target}"]
    if call.output_format in _WITHOUT_DATA:
        words.append(f"--lua-filter={_filter(call)}")
    title = options.title or ("Document" if call.output_format in _TITLED else None)
    if options.title:
        words.append(f"--metadata=title:{options.title}")
    elif title:
        words.append(f"--metadata=pagetitle:{title}")
    if options.table_of_contents:
        words.append("--table-of-contents")
    if options.number_sections:
        words.append("--number-sections")
    return [*words, "--", str(call.source)]


def _filter(call: EngineCall) -> Path:
    made = call.workdir / "without-data.lua"
    made.write_text(_DROP_DATA, encoding="utf-8")
    return made


def _prepare(call: EngineCall) -> None:
    """Packages are judged before they are opened; texts become UTF-8, all that pandoc reads."""
    from inspection.text import decode_head, encoding_of, read_head  # noqa: PLC0415

    if call.input_format in _BINARY:
        open_package(call.source)
        return
    encoding = encoding_of(read_head(call.source))
    if encoding is None:
        raise InputRejected(f"The file is not {call.input_format.upper()}, or it is damaged.")
    size = call.source.stat().st_size
    heavy = call.input_format == "html" and size > _LIGHT_BYTES
    if heavy or encoding != "utf-8":
        text = decode_head(call.source, encoding, size)
        call.source.write_text(_plainer(text) if heavy else text, encoding="utf-8")


def _plainer(page: str) -> str:
    """Cells without their looks: pandoc takes four times the memory for a sheet that has them."""
    page = re.sub(r"</?(?:font|colgroup|col)\b[^>]*>", "", page, flags=re.IGNORECASE)
    return re.sub(r"<(t[dhr])\b([^>]*)>", _bare_cell, page, flags=re.IGNORECASE)


def _bare_cell(tag: re.Match[str]) -> str:
    spans = re.findall(r'(?:col|row)span="?\d+"?', tag[2], re.IGNORECASE)
    return f"<{' '.join((tag[1], *spans))}>"


def run(call: EngineCall) -> EngineResult:
    """Convert one text; what it includes from elsewhere is left out with a warning."""
    options = call.options
    assert isinstance(options, Options)  # noqa: S101
    _prepare(call)
    call.progress(0.2, "converting")
    markup = PROFILES["markup"]
    cpu_s = min(markup.cpu_s, cpu_for(call.source))
    profile = dataclasses.replace(markup, binds=(str(binary()),), cpu_s=cpu_s)
    argv = _arguments(call, options)
    said = run_program(call, argv, profile=profile, name="Pandoc")
    if not has_bytes(call.target):
        raise InputRejected("The document holds no text.", detail=said, code="engine_failed")
    missing = "Could not fetch resource" in said or "Could not load include" in said
    words = ("Files that the text refers to were left out.",) if missing else ()
    return EngineResult(outputs=(call.target,), warnings=words)


def _routes() -> tuple[Route, ...]:
    """One route per input, so that no format is offered from itself."""
    looks = ("looks", "scripts")
    made = []
    # An outline as a result would lose all that stands under no heading.
    for source in (*_BOTH, *_RICH, "opml"):
        rich = tuple(code for code in _RICH if code != source)
        plain = tuple(code for code in (*_BOTH, *_WRITTEN) if code != source)
        made += [
            Route(inputs=(source,), outputs=rich, fidelity=80, loses=looks),
            Route(inputs=(source,), outputs=plain, fidelity=75, loses=("looks", "pictures")),
            Route(inputs=(source,), outputs=("txt",), fidelity=60, loses=("looks", "pictures")),
        ]
    for source in _REFERENCES:
        others = tuple(code for code in _REFERENCES if code != source)
        made.append(Route(inputs=(source,), outputs=others, fidelity=90, options=()))
    return tuple(made)


SPEC = EngineSpec(
    id="pandoc",
    name="Pandoc",
    licence="GPL-2.0-or-later",
    routes=_routes(),
    options=Options,
    runner=Runner.PROCESS,
    queue=Queue.CONVERT,
    sandbox="markup",
    seconds=0.3,
    units=1,
    find_version=find_version,
    run=run,
)
