"""`python -m loadtests.batch`: one batch of a thousand pictures through a running `make serve`.

Some of them are broken. With `--kill N` a child of the convert worker gets SIGKILL every N seconds.
Told: seconds of each part, memory of the web process, and in the last line what was lost or done
twice: by the batch's own counters, its archive and the quota, and by `loadtests.history`.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from loadtests.history import check, dsn_of
from loadtests.running import ROOT, demo, group_of, members, peak_of

BROKEN_EVERY = 50
PATIENCE_S = 1800


def main() -> int:
    """0 when nothing was lost and nothing done twice."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted.add_argument("--files", type=int, default=1000)
    wanted.add_argument("--kill", type=float, default=0, help="seconds between two SIGKILLs")
    asked = wanted.parse_args()
    told = demo()
    headers = {"Authorization": f"Api-Key {told['tenants'][0]['api_key']}"}
    base = f"{told['base_url']}/api/v1/conversions/"
    with httpx.Client(base_url=base, headers=headers, timeout=600) as api:
        return run(api, asked.files, asked.kill)


def run(api: httpx.Client, count: int, kill_s: float) -> int:
    """Send, wait, fetch, compare."""
    used = api.get("quota/").json()["conversions"]["used"]
    with tempfile.TemporaryDirectory() as name, peak_of("web") as memory:
        batch, accepted_s = send(api, Path(name), count)
    print(f"accepted {count} files in {accepted_s:.1f} s; web {memory}")
    started, stop = time.monotonic(), threading.Event()
    killer = threading.Thread(target=kill_now_and_then, args=(kill_s, stop), daemon=True)
    if kill_s:
        killer.start()
    batch = wait(api, batch["id"])
    stop.set()
    print(f"ended in {time.monotonic() - started:.1f} s: {summary(batch)}")
    with peak_of("web") as memory:
        names, seconds, size = fetch(api, batch["id"])
    print(f"archive of {len(names)} files, {size:,} bytes in {seconds:.1f} s; web {memory}")
    spent = api.get("quota/").json()["conversions"]["used"] - used
    return verdict(batch, count, names, spent)


def send(api: httpx.Client, folder: Path, count: int) -> tuple[dict[str, Any], float]:
    """A small picture under many names; each fiftieth is cut short."""
    whole = folder / "whole.png"
    Image.effect_noise((64, 64), 40).save(whole)
    content, cut = whole.read_bytes(), b"\x89PNG\r\n\x1a\n"
    files = [
        ("files", (f"picture-{n}.png", cut if n % BROKEN_EVERY == 0 else content))
        for n in range(count)
    ]
    started = time.monotonic()
    reply = api.post("batch-convert/", data={"output_format": "webp"}, files=files)
    if reply.status_code != 202:
        sys.exit(f"not accepted: {reply.status_code} {reply.text[:500]}")
    body: dict[str, Any] = reply.json()
    return body, time.monotonic() - started


def wait(api: httpx.Client, batch_id: str) -> dict[str, Any]:
    """The batch once it has ended."""
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        batch: dict[str, Any] = api.get(f"batches/{batch_id}/").json()
        if batch["finished_at"]:
            return batch
        time.sleep(1)
    sys.exit(f"batch {batch_id} has not ended within {PATIENCE_S} s: {summary(batch)}")


def kill_now_and_then(every_s: float, stop: threading.Event) -> None:
    """SIGKILL to a child of the convert worker; only processes of this stack."""
    leader = group_of("worker-convert")
    while not stop.wait(every_s):
        children = [pid for pid in members(leader) if pid != leader]
        if children:
            os.kill(random.choice(children), signal.SIGKILL)  # noqa: S311 - no secret


def fetch(api: httpx.Client, batch_id: str) -> tuple[list[str], float, int]:
    """Names in the archive; its checksums are checked."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as file:
        with api.stream("GET", f"batches/{batch_id}/download/") as reply:
            for chunk in reply.iter_bytes():
                file.write(chunk)
        seconds, size = time.monotonic() - started, file.tell()
        with zipfile.ZipFile(file) as archive:
            broken = archive.testzip()
            if broken:
                sys.exit(f"{broken} is damaged in the archive")
            return archive.namelist(), seconds, size


def summary(batch: dict[str, Any]) -> dict[str, Any]:
    """The figures of a batch."""
    return {name: batch[name] for name in ("status", "total", "completed", "failed", "canceled")}


def verdict(batch: dict[str, Any], count: int, names: list[str], spent: int) -> int:
    """The last line."""
    states = [job["status"] for job in batch["jobs"]]
    completed = states.count("completed")
    ended = completed + states.count("failed")
    lost = (count - ended) + max(completed - len(set(names)), 0) + max(completed - spent, 0)
    doubled = max(len(names) - completed, 0) + max(spent - completed, 0)
    doubled += abs(completed - batch["completed"]) + abs(len(batch["jobs"]) - count)
    print(f"jobs {len(states)} completed {completed} in archive {len(names)} charged {spent}")
    found = check(dsn_of(ROOT / "var"), ROOT / "var" / "storage", settled=False)
    print(found.told().rpartition("\n")[0])
    lost, doubled = lost + len(found.lost), doubled + len(found.doubled)
    print(f"lost={lost} doubled={doubled}")
    return 1 if lost or doubled else 0


if __name__ == "__main__":
    sys.exit(main())
