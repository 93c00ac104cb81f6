"""`python -m conversions.matrix`: run every direct pair on a real file, verify, write it down.

Only what is noted in ``engines/verified.json`` is offered. A format without a sample is read from
a result of another engine. Failures are listed in docs/formats.md, with their reason.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from conversions.engines import registry
from conversions.engines.execute import execute
from conversions.engines.spec import EngineCall, EngineError, EngineSpec, Runner
from conversions.shared import fixture
from conversions.verification import verify
from inspection.detect import detect
from inspection.formats import BY_CODE
from inspection.naming import extension_of
from sandbox import runner

ROOT = Path(__file__).resolve().parents[1]
VERIFIED = Path(__file__).parent / "engines" / "verified.json"
DOCS = ROOT / "docs" / "formats.md"
SAMPLES = (ROOT.parent / "shared" / "samples", ROOT / "tests" / "samples")
FILE_SIZE = 30_000  # bytes: of several samples the nearest to it is run
TRIES = 3  # samples of one format before a pair is given up
SECONDS = 120  # for one pair
GOOD = ("verified", "warnings")


@dataclass(frozen=True)
class Pair:
    """One engine's direct pair."""

    engine: str
    source: str
    target: str


@dataclass(frozen=True)
class Outcome:
    """How one run of a pair ended. ``verdict`` failed: with the reason in ``note``."""

    engine: str
    source: str
    target: str
    version: str
    at: str
    seconds: float
    verdict: str
    sample: str
    note: str = ""


class Files:
    """Real files by their format: samples, and results of other engines where there is none."""

    def __init__(self, folders: Iterable[Path], made: Path) -> None:
        self.made = made
        self.by_format: dict[str, list[Path]] = defaultdict(list)
        self.results: dict[str, Path] = {}
        for path in sorted(found for folder in folders for found in folder.rglob("*")):
            if path.is_file() and "hostile" not in path.parts and "encrypted" not in path.name:
                self._take(path)

    def _take(self, path: Path) -> None:
        found = detect(path, path.name)
        if found.format and not found.encrypted and not found.malicious and not found.damaged:
            self.by_format[found.format].append(path)

    def of(self, code: str) -> list[Path]:
        """The best few samples of a format."""
        near = sorted(self.by_format[code], key=lambda path: abs(path.stat().st_size - FILE_SIZE))
        made = self.results.get(code)
        return near[:TRIES] + ([made] if made else [])

    def keep(self, code: str, path: Path, engine: str) -> None:
        """A good result serves as a sample of a format that has none, or no good one."""
        if code not in self.results:
            copy = self.made / f"by-{engine}.{extension_of(code)}"
            shutil.copyfile(path, copy)
            self.results[code] = copy

    def record(self, code: str) -> None:
        """A file of a format that nobody here writes, made for the occasion by a bare tool."""
        family = BY_CODE[code].family
        target = self.made / f"recorded.{extension_of(code)}"
        if family in ("audio", "video"):
            sources = self.by_format["mp3"] if family == "audio" else self.by_format["mp4"]
            argv = ["ffmpeg", "-v", "error", "-y", "-i", "{}", f"file:{target}"]
        elif family == "image":
            sources = self.by_format["jpg"][-1:]  # an ordinary photo: the first are odd ones
            argv = ["/usr/bin/convert-im6.q16", "jpeg:{}", f"{code}:{target}"]
        else:
            return
        for sample in sources[:1]:
            source = self.made / f"recorder{sample.suffix}"
            shutil.copyfile(sample, source)
            filled = [word.replace("{}", str(source)) for word in argv]
            ended = runner.run(filled, profile="media", workdir=self.made)
            if not ended.returncode and target.exists() and target.stat().st_size:
                self.results[code] = target


def pairs_of(specs: Iterable[EngineSpec]) -> Iterator[Pair]:
    """Every declared pair of the installed engines."""
    for spec in specs:
        if registry.version(spec.id):
            found = {(i, o) for route in spec.routes for i in route.inputs for o in route.outputs}
            yield from (Pair(spec.id, i, o) for i, o in sorted(found))


def run_pair(pair: Pair, files: Files, work: Path) -> Outcome | None:
    """The first good run over the samples, else the last bad one; None without a sample."""
    last: Outcome | None = None
    for sample in files.of(pair.source):
        folder = Path(tempfile.mkdtemp(dir=work))
        try:
            last = run_once(pair, sample, folder, files)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if last.verdict in GOOD:
            break
    return last


def run_once(pair: Pair, sample: Path, folder: Path, files: Files) -> Outcome:
    """Convert one file and verify the result."""
    spec = registry.BY_ID[pair.engine]
    room = folder / "room"
    room.mkdir()
    source = folder / f"source.{extension_of(pair.source)}"
    copy = room / f"input.{extension_of(pair.source)}"
    shutil.copyfile(sample, source)
    shutil.copyfile(sample, copy)
    for path in (folder, room):
        path.chmod(0o755)
    started = time.monotonic()
    try:
        result = execute(
            spec,
            EngineCall(
                source=copy,
                target=room / f"output.{extension_of(pair.target)}",
                input_format=pair.source,
                output_format=pair.target,
                options=spec.options(),
                workdir=room,
                deadline_s=SECONDS,
            ),
        )
    except EngineError as error:
        note = f"{error.code}: {error.public} {error.detail[-200:]}"
        return outcome(pair, started, "failed", sample, " ".join(note.split()))
    seconds = time.monotonic() - started
    report = verify(
        source,
        pair.source,
        result.outputs,
        pair.target,
        spec.options(),
        pair.engine,
        claims=result.facts,
    )
    bad = "; ".join(
        f"{check.name}: {check.actual} instead of {check.expected}"
        for check in report.checks
        if not check.ok
    )
    if report.verdict == "verified":
        files.keep(pair.target, result.outputs[0], pair.engine)
    return outcome(pair, time.monotonic() - seconds, report.verdict, sample, bad)


def outcome(pair: Pair, started: float, verdict: str, sample: Path, note: str) -> Outcome:
    """A row of the matrix."""
    return Outcome(
        engine=pair.engine,
        source=pair.source,
        target=pair.target,
        version=registry.version(pair.engine) or "",
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        seconds=round(time.monotonic() - started, 3),
        verdict=verdict,
        sample=sample.name,
        note=note[:400],
    )


def run_all(pairs: list[Pair], samples: Iterable[Path]) -> tuple[list[Outcome], list[Pair]]:
    """Outcomes, and the pairs for which no file could be found or made."""
    done: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="fm-matrix-") as name:
        work = Path(name)
        work.chmod(0o755)
        made = work / "made"
        made.mkdir(mode=0o755)
        files = Files(samples, made)
        for code in {pair.source for pair in pairs} - {pair.target for pair in pairs}:
            if not files.of(code):
                files.record(code)
        left = pairs
        while left:
            later = []
            for pair in left:
                found = run_pair(pair, files, work)
                if found is None:
                    later.append(pair)
                else:
                    done.append(found)
                    tell(found, len(done), len(pairs))
            if len(later) == len(left):
                break
            left = later
        done = [again(one, files, work) for one in done]
    return done, left


def again(one: Outcome, files: Files, work: Path) -> Outcome:
    """A failure once more, on another engine's result: the sample may be the damaged one."""
    made = files.results.get(one.source)
    if one.verdict in GOOD or made is None or one.sample == made.name:
        return one
    return run_pair(Pair(one.engine, one.source, one.target), files, work) or one


def tell(found: Outcome, number: int, count: int) -> None:
    """A line on the terminal for what did not work."""
    if found.verdict not in GOOD:
        words = f"{found.source} → {found.target} by {found.engine}: {found.note[:160]}"
        sys.stderr.write(f"[{number}/{count}] {words}\n")


def spread(count: int) -> list[Pair]:
    """A few pairs for a quick run: over engines and families as evenly as they go."""
    rooms: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
    for pair in pairs_of(registry.ENGINES):
        families = BY_CODE[pair.source].family, BY_CODE[pair.target].family
        rooms[pair.engine, *families].append(pair)
    chosen: list[Pair] = []
    while len(chosen) < count and any(rooms.values()):
        chosen += [rows.pop(len(rows) // 2) for rows in rooms.values() if rows]
    return chosen[:count]


def write_json(done: list[Outcome], path: Path = VERIFIED) -> None:
    """The good ones, by pair and engine."""
    table: dict[str, dict[str, dict[str, object]]] = defaultdict(dict)
    for one in sorted(done, key=lambda row: (row.source, row.target, row.engine)):
        if one.verdict in GOOD:
            kept = {k: v for k, v in asdict(one).items() if k not in ("engine", "source", "target")}
            kept = {k: v for k, v in kept.items() if k != "note" or v}
            table[f"{one.source}>{one.target}"][one.engine] = kept
    path.write_text(json.dumps(table, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def write_docs(done: list[Outcome], left: list[Pair], minutes: str, path: Path = DOCS) -> None:
    """The table that people read; ``minutes`` are those of the last whole run."""
    good = [one for one in done if one.verdict in GOOD]
    bad = [one for one in done if one.verdict not in GOOD]
    pairs = {(one.source, one.target) for one in good}
    formats = {code for pair in pairs for code in pair}
    runs = f"{len(pairs)} direct pairs by {len(good)} engine runs"
    counted = f"{len(formats)} formats, {runs}, in {minutes} minutes. ⚠: passed with warnings."
    lines = [
        "# Formats",
        "",
        "Generated by `make matrix`, which runs every direct pair on a real file and verifies the",
        "result by another library. What is not here is not offered.",
        "",
        counted,
        "",
    ]
    for family in dict.fromkeys(row.family for row in BY_CODE.values()):
        rows = [one for one in good if BY_CODE[one.source].family == family]
        if not rows:
            continue
        lines += [f"## {family.capitalize()}", "", "| from | to (engine, seconds) |", "|---|---|"]
        for source in dict.fromkeys(one.source for one in sorted(rows, key=lambda r: r.source)):
            mine = sorted((r for r in rows if r.source == source), key=lambda r: r.target)
            cells = (
                f"{r.target} ({r.engine}, {r.seconds}{' ⚠' if r.verdict == 'warnings' else ''})"
                for r in mine
            )
            lines.append(f"| {source} | {', '.join(cells)} |")
        lines.append("")
    lines += _rest(bad, left)
    path.write_text("\n".join(lines).rstrip() + "\n")


def _rest(bad: list[Outcome], left: list[Pair]) -> list[str]:
    lines: list[str] = []
    if bad:
        lines += ["## Not offered: the result did not pass", "", "| pair | engine | why |"]
        lines += ["|---|---|---|"]
        lines += [
            f"| {r.source} → {r.target} | {r.engine} | {r.note.replace('|', '/')} |" for r in bad
        ]
        lines.append("")
    if left:
        lines += ["## Not offered: no file to try it on", ""]
        lines += [f"- {p.source} → {p.target} by {p.engine}" for p in left]
        lines.append("")
    return lines


@dataclass(frozen=True)
class Noted:
    """What the last runs left of engines that are not run now."""

    minutes: str = "0.0"  # of the last whole run
    done: tuple[Outcome, ...] = ()
    left: tuple[Pair, ...] = ()


def noted(engines: set[str]) -> Noted:
    """Read back from the verified table and the docs, without these engines."""
    text = DOCS.read_text() if DOCS.exists() else ""
    good = json.loads(VERIFIED.read_text()) if VERIFIED.exists() else {}
    kept = [
        Outcome(engine=engine, source=key.split(">")[0], target=key.split(">")[1], **row)
        for key, rows in good.items()
        for engine, row in rows.items()
    ]
    blank = Outcome("", "", "", version="", at="", seconds=0.0, verdict="failed", sample="")
    for source, target, engine, note in _REFUSED.findall(text):
        kept.append(replace(blank, engine=engine, source=source, target=target, note=note))
    minutes = re.search(r"in ([\d.]+) minutes", text)
    left = (Pair(engine, source, target) for source, target, engine in _UNTRIED.findall(text))
    others = registry.BY_ID.keys() - engines
    return Noted(
        minutes[1] if minutes else "0.0",
        tuple(one for one in kept if one.engine in others),
        tuple(pair for pair in left if pair.engine in others),
    )


_REFUSED = re.compile(r"^\| (\S+) → (\S+) \| (\S+) \| (.*) \|$", re.M)
_UNTRIED = re.compile(r"^- (\S+) → (\S+) by (\S+)$", re.M)


def main() -> int:
    """Run, write, and fail when a pair that was good before is not any more."""
    parser = argparse.ArgumentParser(prog="conversions.matrix", description=__doc__)
    parser.add_argument("--samples", type=Path, nargs="*", default=SAMPLES, help="real files")
    parser.add_argument("--only", nargs="*", default=[], help="engine ids; the rest stays as noted")
    chosen = parser.parse_args()
    specs = [spec for spec in registry.ENGINES if not chosen.only or spec.id in chosen.only]
    warm(specs)
    started = time.monotonic()
    done, left = run_all(list(pairs_of(specs)), chosen.samples)
    seconds = time.monotonic() - started
    minutes = f"{seconds / 60:.1f}"
    if chosen.only:
        kept = noted(set(chosen.only))
        done, left, minutes = [*done, *kept.done], [*left, *kept.left], kept.minutes
    write_json(done)
    write_docs(done, left, minutes)
    fixture.write()  # engines may have brought formats
    good = sum(one.verdict in GOOD for one in done)
    bad = len(done) - good
    words = f"{good} good, {bad} not, {len(left)} without a file, {seconds:.0f} s"
    sys.stdout.write(words + "\n")
    return 0


def warm(specs: list[EngineSpec]) -> None:
    """Start the warm parents first, so that the noted seconds are those of a running service."""
    from conversions.engines.execute import warm as warm_queue  # noqa: PLC0415 (as in workers)
    from conversions.verification import warm as warm_readers  # noqa: PLC0415

    for queue in {str(spec.queue) for spec in specs if spec.runner is not Runner.PROCESS}:
        warm_queue(queue)
    warm_readers()


if __name__ == "__main__":
    sys.exit(main())
