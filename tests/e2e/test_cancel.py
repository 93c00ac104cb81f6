"""A job is canceled while its engine runs: the program is gone in two seconds, nothing is paid."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from localstack.process import read_stat
from tests.client import PNG
from tests.e2e.conftest import House
from tests.e2e.test_faults import looped, video

pytestmark = pytest.mark.e2e
GONE_S = 2.0


def commands(house: House, worker: str) -> dict[int, str]:
    """Command lines of everything below a worker."""
    found = {}
    for pid in house.tree(worker):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        found[pid] = " ".join(word.decode(errors="replace") for word in words)
    return found


def running(house: House, worker: str, program: str) -> set[int]:
    """Pids below a worker whose command line names a program."""
    return {pid for pid, words in commands(house, worker).items() if program in words}


def working(house: House, worker: str, program: str) -> Callable[[], set[int]]:
    """Asked again and again: pids of the program that used the processor since the last look."""
    last: dict[int, float] = {}

    def look() -> set[int]:
        now = {pid: cpu_seconds(pid) for pid in running(house, worker, program)}
        busy = {pid for pid, used in now.items() if used > last.get(pid, used)}
        last.update(now)
        return busy

    return look


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def living(seen: set[int]) -> set[int]:
    """Those that still run; a killed one that nobody has buried yet does not."""
    return {pid for pid in seen if (stat := read_stat(pid)) and stat.state != "Z"}


def long_text() -> bytes:
    """Markdown that keeps pandoc busy for a while."""
    line = b"A *line* with `code`, a [link](https://example.com) and **more**.\n\n"
    return b"# Title\n\n" + line * 60_000


def long_page() -> bytes:
    """A page that keeps LibreOffice busy for a while."""
    row = b"<tr>" + b"<td>cell with some words</td>" * 6 + b"</tr>"
    return b"<html><body><table>" + row * 12_000 + b"</table></body></html>"


def cancel_while(
    house: House, job_id: str, worker: str, program: str, *, others: bool = False
) -> None:
    """Cancel once the program runs; it is gone in time and the job has ended unpaid.

    ``others``: some of these programs work for other jobs and stay.
    """
    before = house.one.used()
    house.wait(lambda: house.one.job(job_id)["status"] == "processing", 60)
    seen = house.wait(working(house, worker, program), 60)

    asked = time.monotonic()
    house.one.post(f"conversions/jobs/{job_id}/cancel/", {}, 200)
    house.wait(lambda: len(living(seen)) < (len(seen) if others else 1), 10)

    assert time.monotonic() - asked < GONE_S
    assert house.one.job(job_id)["status"] == "canceled"
    assert house.one.used() == before


def test_ffmpeg_is_gone(house: House, tmp_path: Path) -> None:
    film = looped(video(tmp_path, seconds=4, size="1280x720"), 20, tmp_path)
    job_id = house.one.convert("endless.mp4", film, "webm")

    cancel_while(house, job_id, "worker-media", "ffmpeg")

    (tmp_path / "after").mkdir()
    clip = video(tmp_path / "after", seconds=1, size="320x180")
    after = house.one.finished(house.one.convert("clip.mp4", clip, "mkv"))
    assert after["status"] == "completed", after["error"]


def test_pandoc_is_gone(house: House) -> None:
    job_id = house.one.convert("long.md", long_text(), "epub", engine="pandoc")

    cancel_while(house, job_id, "worker-convert", "pandoc")

    after = house.one.finished(house.one.convert("small.png", PNG, "webp"))
    assert after["status"] == "completed", after["error"]


def test_libreoffice_is_gone_and_replaced(house: House) -> None:
    job_id = house.one.convert("long.html", long_page(), "odt", engine="libreoffice")

    cancel_while(house, job_id, "worker-office", "soffice.bin", others=True)

    page = b"<html><body><p>Short.</p></body></html>"
    after = house.one.finished(house.one.convert("s.html", page, "odt", engine="libreoffice"), 90)
    assert after["status"] == "completed", after["error"]
