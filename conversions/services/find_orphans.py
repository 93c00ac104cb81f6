"""Storage against rows, both ways: files that no row names, results that are no more.

A process that dies between a file and its row leaves the one without the other. Young files are
left alone: their row may be on its way.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conversions.models import Job, Pipeline
from conversions.services.expire_jobs import expire_job, note_clean_up
from conversions.terms import Status
from core import storage
from core.env import env
from core.tenancy import require_tenant
from dispatch.recovery import running
from tenants.queries import tenant_of_schema

OLDER_HOURS = 6.0  # than the longest upload, job and transaction together
CHUNK = 500  # rows asked for at once


@dataclass(frozen=True)
class Orphans:
    """What was found: keys of files without a row, ids of completed jobs without a file."""

    files: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    size_bytes: int = 0


def find_orphans(*, fix: bool, older_hours: float = OLDER_HOURS) -> Orphans:
    """Of the current tenant. ``fix``: delete the files, expire the jobs and tell. Idempotent."""
    before = time.time() - older_hours * 3600
    strays = [*stray_files("jobs", before), *stray_files("pipelines", before)]
    sizes = [path.stat().st_size for path in strays]
    found = Orphans(
        [str(path.relative_to(storage.root())) for path in strays],
        list(jobs_without_file()),
        sum(sizes),
    )
    if fix:
        for path in strays:
            remove(path)
        note_clean_up("orphans", sizes, files=len(sizes))
        slug = tenant_of_schema(require_tenant()).slug
        for job_id in found.jobs:
            expire_job(job_id, slug, stage="result lost")
    return found


def stray_files(kind: str, before: float) -> Iterator[Path]:
    """Files below ``<schema>/<kind>/<id>/`` that no row names, older than a moment."""
    top = storage.root() / require_tenant() / kind
    folders = sorted(top.iterdir()) if top.is_dir() else []
    for start in range(0, len(folders), CHUNK):
        some = folders[start : start + CHUNK]
        named = named_files([folder.name for folder in some], kind)
        for path in (path for folder in some for path in folder.rglob("*") if path.is_file()):
            # The change time: a file that was lent keeps the age of its first name otherwise.
            is_named = str(path.relative_to(storage.root())) in named
            if not is_named and path.stat().st_ctime < before:
                yield path


def named_files(ids: list[str], kind: str) -> set[str]:
    """Every key that the rows with these ids name."""
    if kind == "pipelines":
        steps = Pipeline.objects.filter(pk__in=ids).values_list("steps", flat=True)
        return {f["key"] for run in steps for step in run.values() for f in step.get("files", ())}
    rows = Job.objects.filter(pk__in=ids).values_list("input_key", "inputs", "outputs")
    return {
        key
        for one, several, outputs in rows
        for key in (one, *(item["key"] for item in (*several, *outputs)))
    }


def jobs_without_file() -> Iterator[str]:
    """Ids of completed jobs of which a result is not in the storage."""
    rows = Job.objects.filter(status=Status.COMPLETED).values_list("pk", "outputs")
    for job_id, outputs in rows.iterator(chunk_size=CHUNK):
        if not all(storage.path_of(item["key"]).is_file() for item in outputs):
            yield job_id


def remove(path: Path) -> None:
    """A file, and the folders that it leaves empty."""
    path.unlink(missing_ok=True)
    for folder in list(path.parents)[:2]:
        if any(folder.iterdir()):
            return
        shutil.rmtree(folder, ignore_errors=True)


def sweep_work() -> list[str]:
    """Work folders of this machine whose attempt was killed. Returns their names.

    A folder is made after its ticket was claimed, so whoever is listed here and not running by the
    rows, asked afterwards, has ended.
    """
    found = [path for path in env().storage.work_folder.glob("tkt_*-*") if path.is_dir()]
    alive = running([path.name.rpartition("-")[0] for path in found])
    left = [path for path in found if path.name not in alive]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in left]


def sweep_incoming(*, fix: bool, older_hours: float = OLDER_HOURS) -> list[str]:
    """Uploads that nobody took: their process died. Of every tenant, so without a schema."""
    before = time.time() - older_hours * 3600
    old = [p for p in storage.incoming_folder().iterdir() if p.stat().st_ctime < before]
    for path in old if fix else ():
        path.unlink(missing_ok=True)
    return [path.name for path in old]
