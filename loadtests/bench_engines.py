"""`make bench-engines`: the engine layer against the bare tools, in one run, as ratios.

1. docx → pdf: our warm, sandboxed LibreOffice against `soffice` started for each file, and against
   a bare UNO loop (the same host script, no sandbox), one instance each.
2. png → webp: fork server and verification against `python -c` with Pillow in a new process.
3. What the sandbox costs a process.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import statistics
import subprocess  # noqa: TID251 - engines are run bare here, that is the point
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conversions.engines import execute, libreoffice, pillow
from conversions.engines.spec import EngineCall, EngineSpec
from conversions.verification import verify, warm
from sandbox import hosts, runner

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "platform/localstack/samples"
ROUNDS, COLD_ROUNDS = 30, 5


def medians(work: Callable[[], Any], rounds: int) -> float:
    """Median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def a_minute(work: Callable[[], Any], rounds: int) -> float:
    """Documents a minute."""
    started = time.perf_counter()
    for _ in range(rounds):
        work()
    return rounds / (time.perf_counter() - started) * 60


def call_for(spec: EngineSpec, source: Path, target: str, folder: Path) -> EngineCall:
    """One engine call in a folder of its own."""
    room = folder / f"{spec.id}-{target}"
    room.mkdir()
    copy = Path(shutil.copy(source, room / f"input{source.suffix}"))
    return EngineCall(
        source=copy,
        target=room / f"output.{target}",
        input_format=source.suffix[1:],
        output_format=target,
        options=spec.options(),
        workdir=room,
        deadline_s=60,
    )


@contextmanager
def bare_uno(folder: Path) -> Iterator[Callable[[Path, Path], None]]:
    """The host script without any sandbox: what a plain UNO loop does."""
    room = folder / "uno"
    room.mkdir()
    for path in libreoffice.PLAN.files:
        shutil.copy(path, room)
    argv = ["/usr/bin/python3", str(room / "libreoffice_host.py"), str(room)]
    with subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        start_new_session=True,
    ) as process:
        reader, writer = process.stdout, process.stdin
        if reader is None or writer is None:
            raise RuntimeError("no pipes")
        reader.readline()

        def convert(source: Path, target: Path) -> None:
            request = {
                "source": str(source),
                "target": str(target),
                "infilter": libreoffice.IMPORT_FILTERS["docx"],
                "outfilter": "writer_pdf_Export",
                "data": {},
            }
            writer.write(json.dumps(request) + "\n")
            answer = json.loads(reader.readline())
            if not answer["ok"]:
                raise RuntimeError(str(answer))

        yield convert
        os.killpg(process.pid, signal.SIGKILL)  # soffice with it


def bench_office(folder: Path) -> None:
    """Part 1."""
    docx = SAMPLES / "report.docx"
    call = call_for(libreoffice.SPEC, docx, "pdf", folder)
    execute.execute(libreoffice.SPEC, call)
    ours = a_minute(lambda: execute.execute(libreoffice.SPEC, call), ROUNDS)
    with bare_uno(folder) as convert:
        target = folder / "uno" / "bare.pdf"
        convert(docx, target)
        bare = a_minute(lambda: convert(docx, target), ROUNDS)
    cold_argv = [
        "soffice",
        f"-env:UserInstallation=file://{folder}/cold",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(docx),
    ]

    def cold() -> None:
        subprocess.run(cold_argv, check=True, capture_output=True, timeout=120)

    cold()
    each = a_minute(cold, COLD_ROUNDS)
    print("\ndocx → pdf, documents a minute, one instance")
    print(f"  soffice started for each file                {each:8.0f}")
    print(f"  bare UNO loop, no sandbox                     {bare:8.0f}")
    print(
        f"  our engine layer, sandboxed                   {ours:8.0f}"
        f"   {ours / each:5.1f} × soffice, {ours / bare:4.2f} of the bare loop"
    )


def bench_pictures(folder: Path) -> None:
    """Part 2."""
    png = SAMPLES / "landscape.png"
    call = call_for(pillow.SPEC, png, "webp", folder)

    def through() -> None:
        result = execute.execute(pillow.SPEC, call)
        report = verify(call.source, "png", result.outputs, "webp", {}, "pillow")
        if report.verdict == "failed":
            raise RuntimeError(str(report))

    code = f"from PIL import Image; Image.open({str(png)!r}).save({str(folder / 'c.webp')!r})"
    execute.warm("convert")
    warm()
    through()
    ours = medians(through, ROUNDS)
    plain = medians(
        lambda: subprocess.run([sys.executable, "-c", code], check=True),
        ROUNDS,
    )
    print("\npng → webp, medians")
    print(f"  python -c with Pillow in a new process        {plain * 1000:8.1f} ms")
    print(
        f"  fork server, sandbox and verification         {ours * 1000:8.1f} ms"
        f"   {ours / plain:5.2f} ×"
    )


def bench_sandbox(folder: Path) -> None:
    """Part 3."""
    room = folder / "empty"
    room.mkdir()
    bare = medians(lambda: subprocess.run(["/bin/true"], check=True), ROUNDS)
    boxed = medians(
        lambda: runner.run(["/bin/true"], profile="probe", workdir=room, deadline_s=5), ROUNDS
    )
    print("\nA process, medians")
    print(f"  /bin/true                                     {bare * 1000:8.1f} ms")
    print(
        f"  /bin/true in the sandbox                      {boxed * 1000:8.1f} ms"
        f"   {(boxed - bare) * 1000:+5.1f} ms"
    )


def main() -> None:
    """Everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            bench_office(folder)
            bench_pictures(folder)
            bench_sandbox(folder)
        finally:
            hosts.close_all()


if __name__ == "__main__":
    main()
