"""Every engine on real and on hostile files, each result verified by another library."""

from __future__ import annotations

from pathlib import Path

import pytest

from conversions.engines import registry
from conversions.engines.spec import EngineError
from conversions.verification import verify
from inspection import facts
from sandbox import pool
from tests.conversions.support import convert
from tests.conversions.vector import Vector
from tests.conversions.vectors import VECTORS
from tests.conversions.vectors_documents import DOCUMENTS

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("vector", [*VECTORS, *DOCUMENTS], ids=str)
def test_vector(vector: Vector, tmp_path: Path) -> None:
    try:
        source, result = convert(
            tmp_path,
            vector.file,
            vector.engine,
            vector.source,
            vector.target,
            options=vector.options,
            password=vector.password,
        )
    except EngineError as error:
        assert error.code in vector.fails, f"{error.code}: {error} {error.detail}"
        assert error.public
        return

    assert not vector.fails or "" in vector.fails
    assert len(result.outputs) == vector.outputs
    options = registry.BY_ID[vector.engine].options(**vector.options)
    report = verify(
        source,
        vector.source,
        result.outputs,
        vector.target,
        options,
        vector.engine,
        password=vector.password,
        claims=result.facts,
    )
    bad = [check for check in report.checks if not check.ok]
    assert report.verdict in vector.verdicts, bad
    _content(vector, result.outputs[0])


def _content(vector: Vector, output: Path) -> None:
    raw = output.read_bytes()
    for word in vector.lacks:
        assert word.encode() not in raw
    item = {"path": str(output), "format": vector.target}
    found = (
        pool.server(facts.preload_for({vector.target}))
        .call("inspection.facts:facts_of_all", [item], profile="inspect", readable=(output,))
        .value[0]
    )
    words = found.get("words", ())
    text = " ".join(words)
    # Scripts without spaces are counted letter by letter.
    missing = [word for word in vector.holds if word.casefold() not in text]
    assert not [word for word in missing if word.isascii() or not set(word) <= set(words)]
    assert {name: found.get(name) for name in vector.facts} == vector.facts


def test_the_registry_has_no_problems() -> None:
    assert registry.problems() == []


def test_every_engine_has_a_vector() -> None:
    assert {spec.id for spec in registry.ENGINES} == {
        vector.engine for vector in (*VECTORS, *DOCUMENTS)
    }


def test_progress_is_told_while_a_video_is_encoded(tmp_path: Path) -> None:
    seen: list[float] = []

    convert(
        tmp_path,
        "video/ten-seconds.mp4",
        "ffmpeg",
        "mp4",
        "mp4",
        progress=lambda fraction, stage: seen.append(fraction),
    )

    assert len(seen) >= 2
    assert seen == sorted(seen)


def test_a_hanging_office_document_ends_at_the_deadline_and_the_next_one_works(
    tmp_path: Path,
) -> None:
    hang, good = tmp_path / "hang", tmp_path / "good"
    hang.mkdir()
    good.mkdir()

    long = hang / "long.html"
    row = "<tr>" + "<td>cell with some words</td>" * 6 + "</tr>"
    long.write_text(f"<html><body><table>{row * 12_000}</table></body></html>")

    with pytest.raises(EngineError) as caught:
        convert(hang, str(long), "libreoffice", "html", "odt", deadline_s=0.3)
    _, result = convert(good, "docx/header-footer.docx", "libreoffice", "docx", "pdf")

    assert caught.value.code == "timed_out"
    assert result.facts["pages"] == 2


def test_garbage_named_docx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as caught:
        convert(tmp_path, "image/gps-exif.jpg", "libreoffice", "docx", "pdf")

    assert caught.value.code == "file_corrupt"
