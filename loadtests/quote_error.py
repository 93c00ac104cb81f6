"""`python -m loadtests.quote_error`: how far quotes are off on files that they never learnt from.

Real files of several families are converted a few times. Half of each format's files teach, the
other half is guessed, as `quote/` does, then the halves change places. Told twice: against each
run by the clock, and against the fastest run of each file, which other work on the machine
disturbs least.
"""

from __future__ import annotations

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from conversions.engines import registry
from conversions.forecast import Run, fit, predict, work_of
from conversions.matrix import GOOD, SAMPLES, Files, Pair, run_once, warm
from inspection import facts
from sandbox import pool

ROUNDS = 3
MOST_FILES = 12
PAIRS = (
    Pair("libreoffice", "docx", "pdf"),
    Pair("libreoffice", "docx", "odt"),
    Pair("libreoffice", "xlsx", "pdf"),
    Pair("libreoffice", "pptx", "pdf"),
    Pair("pypdf", "pdf", "txt"),
    Pair("poppler", "pdf", "png"),
    Pair("pdf2docx", "pdf", "docx"),
    Pair("pillow", "jpg", "webp"),
    Pair("pillow", "jpg", "png"),
    Pair("pillow", "png", "jpg"),
    Pair("pillow", "png", "webp"),
    Pair("ffmpeg", "mp3", "wav"),
    Pair("ffmpeg", "wav", "mp3"),
    Pair("ffmpeg", "mp4", "webm"),
    Pair("data", "csv", "json"),
    Pair("pandoc", "md", "html"),
    Pair("libarchive", "zip", "tgz"),
)


@dataclass(frozen=True)
class Timed:
    """One file of one pair, and what its rounds took."""

    pair: Pair
    file: str
    work: tuple[float, ...]
    seconds: tuple[float, ...]

    def runs(self) -> list[Run]:
        """As `learn` keeps them."""
        return [(one, *self.work) for one in self.seconds]


def known_of(path: Path, code: str) -> dict[str, Any]:
    """What `quote/` knows of a file."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / path.name
        copy.write_bytes(path.read_bytes())
        Path(name).chmod(0o755)
        items = [facts.item(copy, code)]
        answer = pool.server(facts.preload_for({code})).call(
            "inspection.facts:facts_of_all", items, profile="inspect", readable=(copy,)
        )
    found: dict[str, Any] = answer.value[0]
    return found


def timed(pair: Pair, files: Files, work: Path) -> Iterator[Timed]:
    """Every file of a format that converts, some rounds."""
    for path in files.by_format[pair.source][:MOST_FILES]:
        done = []
        for _ in range(ROUNDS):
            folder = Path(tempfile.mkdtemp(dir=work))
            done.append(run_once(pair, path, folder, files))
        if all(one.verdict in GOOD for one in done):
            amount = work_of(path.stat().st_size, known_of(path, pair.source))
            yield Timed(pair, path.name, amount, tuple(one.seconds for one in done))


def guesses(found: list[Timed]) -> Iterator[tuple[Timed, float]]:
    """Each file with what the others' half says of it, as `learn` would."""
    for half in (0, 1):
        by_pair: dict[Pair, list[Run]] = defaultdict(list)
        by_engine: dict[str, list[Run]] = defaultdict(list)
        asked = []
        for pair in dict.fromkeys(one.pair for one in found):
            for number, one in enumerate(row for row in found if row.pair == pair):
                if number % 2 == half:
                    asked.append(one)
                else:
                    by_pair[pair] += one.runs()
                    by_engine[pair.engine] += one.runs()
        engines = {engine: fit(runs) for engine, runs in by_engine.items()}
        for one in asked:
            if one.pair in by_pair:
                weights = fit(by_pair[one.pair], engines[one.pair.engine])
                yield one, predict(weights, one.work)


def errors(found: list[Timed]) -> tuple[dict[Pair, list[float]], dict[Pair, list[float]]]:
    """Percent by pair: against every run, and against the fastest of each file."""
    clock: dict[Pair, list[float]] = defaultdict(list)
    quiet: dict[Pair, list[float]] = defaultdict(list)
    for one, guess in guesses(found):
        clock[one.pair] += [100 * abs(guess - run) / run for run in one.seconds]
    calm = [Timed(one.pair, one.file, one.work, (min(one.seconds),)) for one in found]
    for one, guess in guesses(calm):
        quiet[one.pair].append(100 * abs(guess - one.seconds[0]) / one.seconds[0])
    return clock, quiet


def measure() -> list[Timed]:
    """Convert everything."""
    warm(list(registry.ENGINES))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o755)
        (work / "made").mkdir(mode=0o755)
        files = Files(SAMPLES, work / "made")
        return [one for pair in PAIRS for one in timed(pair, files, work)]


def main() -> int:
    """Measure and tell."""
    found = measure()
    clock, quiet = errors(found)
    if not clock:
        print("quote: no files to measure on")
        return 1
    for pair, off in clock.items():
        words = f"{pair.source} → {pair.target} ({pair.engine})"
        calm = median(quiet[pair])
        print(f"  {words:34} {len(off):3} runs  {median(off):5.1f} %  fastest {calm:5.1f} %")
    every = [one for off in clock.values() for one in off]
    fastest = [one for off in quiet.values() for one in off]
    print("quote on held-out files, median absolute percentage error:")
    print(f"  {median(every):.1f} % of {len(every)} runs by the clock")
    print(f"  {median(fastest):.1f} % of {len(fastest)} files' fastest runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
