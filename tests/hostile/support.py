"""A file of bytes through one engine, and everything that its results say."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineResult


def run(folder: Path, content: bytes, engine: str, source: str, target: str) -> EngineResult:
    """One engine on ``content`` in a folder of its own. Raises EngineError."""
    spec = registry.BY_ID[engine]
    if not registry.version(engine):
        pytest.skip(f"{spec.name} is not installed")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    path = work / f"in.{source}"
    path.write_bytes(content)
    call = EngineCall(
        source=path,
        target=work / f"out.{target}",
        input_format=source,
        output_format=target,
        options=spec.options(),
        workdir=work,
        deadline_s=90,
    )
    return execute(spec, call)


def said(result: EngineResult) -> bytes:
    """All bytes of the results, those of packed parts and the text of PDF pages too."""
    found = []
    for path in result.outputs:
        body = path.read_bytes()
        found.append(body)
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                found += [archive.read(name) for name in archive.namelist()]
        elif body.startswith(b"%PDF"):
            from pypdf import PdfReader

            pages = PdfReader(io.BytesIO(body)).pages
            found += [page.extract_text().encode() for page in pages]
    return b"\n".join(found)
