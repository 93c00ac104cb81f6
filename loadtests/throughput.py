"""`python -m loadtests.throughput`: the whole path, and bare engines.

On a stack of its own, in one run: jobs a second from `POST convert/` to completed and verified,
against the bare engine in a loop in as many processes: in a new process for each file, as peers do
it, and in a process that stays. Told as well: CPU time of each of the stack's programs for a job,
which a busy machine disturbs least. Goals: images ≥ 0.5 of new processes, documents ≥ 0.85 of bare
UNO loops. The last line is ``below=0`` when both hold.
"""

from __future__ import annotations

import argparse
import os
import subprocess  # noqa: TID251 - engines are run bare here, that is the point
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg

from loadtests.bench_engines import bare_uno
from loadtests.history import dsn_of
from loadtests.house import House, on_disk

SAMPLES = Path(__file__).resolve().parents[1] / "platform/localstack/samples"
IMAGE, DOCUMENT = SAMPLES / "landscape.png", SAMPLES / "report.docx"
SENDERS = 4
PROCESSES = 2  # children of the workers of these queues
TICK = os.sysconf("SC_CLK_TCK")
COLD_DOCUMENTS = 4  # for each process
PATIENCE_S = 600
IDLE_S = 0.15  # CPU seconds in one second: the beat alone
GOALS = {"images": 0.5, "documents": 0.85}
WARM = """
import sys
from PIL import Image
for number in range(int(sys.argv[3])):
    Image.open(sys.argv[1]).save(sys.argv[2], quality=80)
"""
COLD = "import sys; from PIL import Image; Image.open(sys.argv[1]).save(sys.argv[2], quality=80)"
OPEN = "SELECT count(*) FROM dispatch_ticket WHERE queue = '{}' AND state <> 'done'"


def in_parallel(work: Callable[[int], None]) -> float:
    """Seconds of as many loops at once as the workers have children."""
    begun = time.monotonic()
    with ThreadPoolExecutor(PROCESSES) as pool:
        list(pool.map(work, range(PROCESSES)))
    return time.monotonic() - begun


def bare_images(folder: Path, count: int, *, warm: bool) -> float:
    """Pictures a second by Pillow alone."""

    def loop(number: int) -> None:
        target = str(folder / f"bare-{number}.webp")
        if warm:
            argv = [sys.executable, "-c", WARM, str(IMAGE), target, str(count // PROCESSES)]
            subprocess.run(argv, check=True, timeout=PATIENCE_S)
            return
        for _ in range(count // PROCESSES):
            subprocess.run([sys.executable, "-c", COLD, str(IMAGE), target], check=True, timeout=60)

    return count / in_parallel(loop)


def bare_documents(folder: Path, source: Path, count: int) -> float:
    """Documents a second by UNO alone, in as many instances."""
    with ExitStack() as stack:
        rooms = [folder / f"office-{number}" for number in range(PROCESSES)]
        for room in rooms:
            room.mkdir()
        loops = [stack.enter_context(bare_uno(room)) for room in rooms]
        for room, convert in zip(rooms, loops, strict=True):
            convert(source, room / "first.pdf")

        def loop(number: int) -> None:
            for _ in range(count // PROCESSES):
                loops[number](source, rooms[number] / "bare.pdf")

        return count / in_parallel(loop)


def bare_soffice(folder: Path, source: Path) -> float:
    """Documents a second by `soffice`, a new process for each, as peers do it."""

    def loop(number: int) -> None:
        room = folder / f"soffice-{number}"
        argv = ["soffice", f"-env:UserInstallation=file://{room}", "--headless"]
        argv += ["--convert-to", "pdf", "--outdir", str(room), str(source)]
        for _ in range(COLD_DOCUMENTS):
            subprocess.run(argv, check=True, timeout=120, capture_output=True)

    return PROCESSES * COLD_DOCUMENTS / in_parallel(loop)


def cpu_of(house: House) -> dict[str, float]:
    """CPU seconds so far of each of the stack's programs and of all below it."""
    return {
        name: sum(map(cpu_of_process, house.tree(name)))
        for name in house.stack.supervisor.starts()
        if house.stack.supervisor.pid(name)
    }


def cpu_of_process(pid: int) -> float:
    """With its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICK


def until_warm(house: House) -> None:
    """Wait until the stack is idle: the workers warm up one after the other."""
    spent = [sum(cpu_of(house).values())]

    def is_idle() -> bool:
        time.sleep(1)  # what is measured is time
        spent.append(sum(cpu_of(house).values()))
        return spent[-1] - spent[-2] < IDLE_S

    house.wait(is_idle, PATIENCE_S)


def through(house: House, source: Path, target: str, queue: str, count: int) -> float:
    """Jobs a second through the whole path."""
    content = source.read_bytes()
    kept = threading.local()

    def send(number: int) -> str:
        if not hasattr(kept, "http"):
            kept.http = httpx.Client(
                base_url=house.one.http.base_url, headers=house.one.http.headers, timeout=120
            )
        reply = kept.http.post(
            "/api/v1/conversions/convert/",
            files={"file": (f"{number}{source.suffix}", content)},
            data={"output_format": target},
        )
        if reply.status_code != 202:
            raise RuntimeError(reply.text)
        return str(reply.json()["id"])

    begun = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        jobs = list(pool.map(send, range(count)))
    with psycopg.connect(dsn_of(house.data), autocommit=True) as session:  # one: they cost
        statement = OPEN.format(queue).encode()
        house.wait(lambda: session.execute(statement).fetchone() == (0,), PATIENCE_S)
    taken = time.monotonic() - begun
    last = house.one.job(jobs[-1])
    if last["status"] != "completed" or last["report"]["verdict"] == "failed":
        raise RuntimeError(str(last))
    return count / taken


def told(what: str, rate: float, base: float | None = None) -> float:
    """One line. The ratio."""
    ratio = rate / base if base else 1.0
    print(f"  {what:56} {rate:8.2f}/s" + (f" {ratio:7.2f} ×" if base else ""), flush=True)
    return ratio


def with_cpu(house: House, count: int, run: Callable[[], float]) -> float:
    """The rate of a run, with the CPU that each program took for a job."""
    before = cpu_of(house)
    rate = run()
    after = cpu_of(house)
    spent = {name: (after[name] - before.get(name, 0.0)) / count * 1000 for name in after}
    most = sorted(spent.items(), key=lambda item: -item[1])
    rows = ", ".join(f"{name} {ms:.0f}" for name, ms in most if ms > 1)
    print(f"  CPU ms a job: {sum(spent.values()):.0f} = {rows}", flush=True)
    return rate


def measure_images(house: House, folder: Path, count: int) -> float:
    """Whole path against new processes."""
    through(house, IMAGE, "webp", "convert", 20)
    until_warm(house)
    print(f"\n{count} × {IMAGE.name} → webp, {PROCESSES} processes")
    told("Pillow in a process that stays", bare_images(folder, count, warm=True))
    cold = bare_images(folder, count, warm=False)
    told("Pillow, a new process each", cold)
    ours = with_cpu(house, count, lambda: through(house, IMAGE, "webp", "convert", count))
    cold = (cold + bare_images(folder, count, warm=False)) / 2  # before and after
    return told("through the API, verified, against new processes", ours, cold)


def measure_documents(house: House, folder: Path, source: Path, count: int) -> float:
    """Whole path against bare UNO loops; told against new processes as well."""
    through(house, source, "pdf", "office", 6)
    until_warm(house)
    print(f"\n{count} × {source.name} → pdf, {PROCESSES} instances")
    bare = bare_documents(folder, source, count)
    ours = with_cpu(house, count, lambda: through(house, source, "pdf", "office", count))
    (folder / "again").mkdir()
    bare = (bare + bare_documents(folder / "again", source, count)) / 2
    told("bare UNO loops", bare)
    cold = bare_soffice(folder, source)
    told("soffice, a new process each", cold)
    told("through the API, verified, against new processes", ours, cold)
    return told("through the API, verified, against bare UNO loops", ours, bare)


def main() -> int:
    """0 when the goals hold."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--images", type=int, default=200)
    wanted.add_argument("--documents", type=int, default=60)
    wanted.add_argument("--document", type=Path, default=DOCUMENT, help="a docx of your own")
    asked = wanted.parse_args()
    with on_disk("throughput") as house, tempfile.TemporaryDirectory() as name:
        house.rows("UPDATE tenants_tenant SET requests_per_hour = NULL")
        found, folder = {}, Path(name)
        if asked.images:
            found["images"] = measure_images(house, folder, asked.images)
        if asked.documents:
            source = asked.document.resolve()
            found["documents"] = measure_documents(house, folder, source, asked.documents)
    below = [name for name, ratio in found.items() if ratio < GOALS[name]]
    print(f"below={len(below)}")
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
