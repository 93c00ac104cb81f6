"""`python -m loadtests.quote_error`: how far quotes are off, over real files of several families.

Each file is converted a few times; each run is then guessed from all other files' and rounds' runs
of its route, as `quote/` does. Told: the median absolute percentage error.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from conversions.engines import registry
from conversions.matrix import GOOD, SAMPLES, Files, Pair, run_once, warm
from conversions.services.learn import Run, median_error
from inspection import facts
from sandbox import pool

ROUNDS = 2
PAIRS = (
    Pair("libreoffice", "docx", "pdf"),
    Pair("libreoffice", "xlsx", "pdf"),
    Pair("libreoffice", "pptx", "pdf"),
    Pair("pypdf", "pdf", "txt"),
    Pair("pdf2docx", "pdf", "docx"),
    Pair("pillow", "jpg", "webp"),
    Pair("pillow", "png", "jpg"),
    Pair("ffmpeg", "mp3", "wav"),
    Pair("ffmpeg", "mp4", "webm"),
)


def known_of(path: Path, code: str) -> dict[str, Any]:
    """What `quote/` knows of a file."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        copy.write_bytes(path.read_bytes())
        Path(name).chmod(0o755)
        item = [{"path": str(copy), "format": code}]
        answer = pool.server(facts.preload_for({code})).call(
            "inspection.facts:facts_of_all", item, profile="inspect", readable=(copy,)
        )
    found: dict[str, Any] = answer.value[0]
    return found


def runs_of(pair: Pair, files: Files, work: Path) -> list[Run]:
    """Every file of a format, some rounds."""
    found = []
    for path in files.by_format[pair.source]:
        known = known_of(path, pair.source)
        for _ in range(ROUNDS):
            folder = Path(tempfile.mkdtemp(dir=work))
            done = run_once(pair, path, folder, files)
            if done.verdict in GOOD:
                pages = known.get("pages") or known.get("slides")
                length = known.get("duration_seconds")
                found.append(Run(path.stat().st_size, pages, length, done.seconds))
    return found


def main() -> None:
    """Measure and tell."""
    warm(list(registry.ENGINES))
    errors: list[tuple[str, int, float]] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o755)
        (work / "made").mkdir()
        files = Files(SAMPLES, work / "made")
        for pair in PAIRS:
            runs = runs_of(pair, files, work)
            if runs:
                errors.append((f"{pair.source} → {pair.target}", len(runs), median_error(runs)))
    for route, count, error in errors:
        print(f"quote {route}: {count} runs, median error {error} %")
    weighted = sorted(error for _, count, error in errors for _ in range(count))
    print(f"quote: median absolute percentage error {weighted[len(weighted) // 2]} %")


if __name__ == "__main__":
    main()
