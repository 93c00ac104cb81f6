"""`make bench`: our overhead in one run, as ratios, on a stack of its own under var/bench.

1. A small image and a docx through the API against the bare engine, warm and cold.
2. `GET jobs/{id}/` with a key against bare django-ninja routes: requests a second on the same
   server, and CPU of the application called directly.
3. Creating a tenant by claiming and by replaying against migrating its schema.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess  # noqa: TID251 - engines are run bare here, that is the point
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from loadtests import read_cost
from loadtests.load import instrument, requests_per_second
from localstack import ports
from localstack.serve import ROOT, running
from localstack.stack import Layout, Stack
from localstack.supervisor import ProcessSpec

SAMPLES = ROOT / "platform/localstack/samples"
ROUNDS = 7


def timed(work: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Median seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def line(what: str, seconds: float, base: float | None = None) -> None:
    """One row: seconds, and how many times the base."""
    ratio = f"{seconds / base:8.2f} ×" if base else " " * 10
    print(f"  {what:52} {seconds * 1000:9.2f} ms {ratio}")


def sample(ending: str) -> Path:
    """The smallest shipped sample of a kind."""
    return min(SAMPLES.glob(f"*.{ending}"), key=lambda path: path.stat().st_size)


def through_api(http: httpx.Client, path: Path, target: str) -> Callable[[], None]:
    """Upload, convert, verify, in one call that waits."""

    def work() -> None:
        answer = http.post(
            "/api/v1/conversions/convert/?wait=60",
            files={"file": (path.name, path.read_bytes())},
            data={"output_format": target},
        )
        if answer.status_code != 200 or answer.json()["status"] != "completed":
            raise RuntimeError(answer.text)

    return work


def bare_image(source: Path, folder: Path) -> Callable[[], None]:
    """Pillow in this process, imports done."""
    from PIL import Image  # noqa: PLC0415 - measured apart from the rest

    def work() -> None:
        with Image.open(source) as picture:
            picture.save(folder / "bare.webp", quality=80)

    return work


def cold_image(source: Path, folder: Path) -> Callable[[], object]:
    """Pillow in a new process."""
    code = f"from PIL import Image; Image.open({str(source)!r}).save({str(folder / 'c.webp')!r})"
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def cold_office(source: Path, folder: Path) -> Callable[[], object]:
    """soffice in a new process, on a kept profile."""
    argv = [
        "soffice",
        f"-env:UserInstallation=file://{folder}/profile",
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        str(source),
    ]
    return lambda: subprocess.run(argv, check=True, capture_output=True, timeout=120)


def warm_office(source: Path, folder: Path) -> Callable[[], None]:
    """Our UNO worker without the platform: what the engine itself takes."""
    from conversions.engines import execute, libreoffice  # noqa: PLC0415
    from conversions.engines.spec import EngineCall  # noqa: PLC0415

    room = folder / "warm"
    room.mkdir()
    copy = Path(shutil.copy(source, room / "input.docx"))
    call = EngineCall(
        source=copy,
        target=room / "output.pdf",
        input_format="docx",
        output_format="pdf",
        options=libreoffice.SPEC.options(),
        workdir=room,
        deadline_s=60,
    )

    def work() -> None:
        execute.execute(libreoffice.SPEC, call)

    return work


def bench_jobs(http: httpx.Client, folder: Path) -> None:
    """Part 1."""
    png, docx = sample("png"), sample("docx")
    image, document = through_api(http, png, "webp"), through_api(http, docx, "pdf")
    print("\nA small conversion, medians of", ROUNDS)
    for work in (image, document):
        timed(work, 3)
    bare = timed(bare_image(png, folder))
    line(f"{png.name} → webp: Pillow in a running process", bare)
    cold = timed(cold_image(png, folder))
    line("  Pillow in a new process", cold)
    line("  through the API, verified, against the new process", timed(image), cold)
    if shutil.which("soffice"):
        office = warm_office(docx, folder)
        timed(office, 2)
        warm = timed(office)
        line(f"{docx.name} → pdf: our warm LibreOffice alone", warm)
        first = cold_office(docx, folder)
        timed(first, 1)
        cold = timed(first, 3)
        line("  soffice in a new process", cold)
        whole = timed(document)
        line("  through the API, verified, against warm", whole, warm)
        line("  through the API, verified, against new process", whole, cold)


def bench_reads(stack: Stack, http: httpx.Client, key: str) -> None:
    """Part 2, both on the web port itself and by the same server."""
    job = http.get("/api/v1/conversions/jobs/?limit=1").json()["items"][0]["id"]
    path = f"/api/v1/conversions/jobs/{job}/"
    row = f"/row/{schema_of(stack)}/{job}/"
    web = next(spec for spec in stack.processes() if spec.name == "web")
    (port,) = ports.free_ports(1)
    argv = [*web.argv[:-1], "loadtests.hello:application"]
    argv[argv.index("--port") + 1] = str(port)
    spec = ProcessSpec(
        name="hello", argv=argv, env=web.env, cwd=ROOT, ready=lambda: ports.answers(port)
    )
    stack.supervisor.start([spec])
    own = web.argv[web.argv.index("--port") + 1]
    headers = {"Authorization": f"Api-Key {key}"}
    addresses: dict[str, tuple[str, dict[str, str] | None]] = {
        "bare ninja hello": (f"http://127.0.0.1:{port}/hello/", None),
        "bare ninja route that reads the same row": (
            f"http://127.0.0.1:{port}{row}",
            None,
        ),
        "GET jobs/{id}/: key, limit, scope, tenant": (f"http://127.0.0.1:{own}{path}", headers),
        "  the same through the front": (str(http.base_url).rstrip("/") + path, headers),
    }
    rounds: dict[str, list[float]] = {name: [] for name in addresses}
    for _ in range(3):  # in turn, so that what else the machine does meets each alike
        for name, (url, sent) in addresses.items():
            rounds[name].append(requests_per_second(url, sent))
    rates = {name: statistics.median(found) for name, found in rounds.items()}
    hello, bare, ours, _ = rates.values()
    print(f"\nReads a second, measured by {instrument()}, same server, same workers")
    for name, rate in rates.items():
        print(f"  {name:52} {rate:9.0f}")
    print(
        f"  costs {hello / ours:.2f} × bare hello, {bare / ours:.2f} × the bare read (goal: 2.00)"
    )
    bench_read_cpu(web, path, row, headers["Authorization"])


def bench_read_cpu(web: ProcessSpec, path: str, row: str, authorization: str) -> None:
    """Part 2 without the server: what a busy machine disturbs least."""
    cpu = read_cost.cpu_seconds(
        {
            "bare ninja hello": ["loadtests.hello", "/hello/"],
            "bare ninja route that reads the same row": ["loadtests.hello", row],
            "GET jobs/{id}/: key, limit, scope, tenant": ["config.wsgi", path, authorization],
        },
        dict(web.env or {}),
        ROOT,
    )
    _, bare, ours = cpu.values()
    print("\nCPU of the answering thread for one read, without the server, asked in turn")
    for name, rounds in cpu.items():
        line(name, statistics.median(rounds))
    print(f"  costs {read_cost.ratio(ours, bare):.2f} × the bare read (goal: 2.00)")


def schema_of(stack: Stack) -> str:
    """The schema of the first demo tenant; from here on its requests are counted, not limited."""
    code = (
        "from tenants.models import Tenant; rows = Tenant.objects.filter(slug='acme');"
        "rows.update(requests_per_hour=None); print(rows.get().schema_name)"
    )
    return said(stack.manage("shell", "--verbosity", "0", "-c", code), 60).split()[-1]


def said(spec: ProcessSpec, timeout_s: float) -> str:
    """What a management command of the stack writes."""
    done = subprocess.run(
        spec.argv,
        env=dict(spec.env or {}),
        cwd=spec.cwd,
        check=True,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    return done.stdout


def bench_tenants(stack: Stack) -> None:
    """Part 3, in a process with the stack's settings."""
    print("\nA new tenant's schema, medians")
    rows = said(stack.manage("measure_schemas"), 300).splitlines()
    seconds = {name: float(value) for name, value in map(str.split, rows)}
    line("migrating it", seconds["migrated"])
    line("replaying the template's dump", seconds["replayed"], seconds["migrated"])
    line("claiming a ready one", seconds["claimed"], seconds["migrated"])


def main() -> None:
    """Everything."""
    data = ROOT / "var/bench"
    (port,) = ports.free_ports(1)
    with (
        running(Layout(ROOT, data, port)) as (stack, demo),
        tempfile.TemporaryDirectory() as folder,
    ):
        key = demo["tenants"][0]["api_key"]
        headers = {"Authorization": f"Api-Key {key}"}
        with httpx.Client(base_url=demo["base_url"], headers=headers, timeout=90) as http:
            bench_jobs(http, Path(folder))
            bench_reads(stack, http, key)
        bench_tenants(stack)


if __name__ == "__main__":
    main()
