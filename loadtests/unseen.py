"""`python -m loadtests.unseen FOLDER --base URL --key KEY`: strangers' files over HTTP.

Each file goes to a few targets of its family over HTTP. Told: the share that completed, verdicts,
refusals at upload, and each failure with its error. `--save DIR` keeps the results for judging.
`--usual N` takes N of these targets only, `--more N` adds N of the others; both are drawn by the
file's name, the same in each run.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

ENDED = ("completed", "failed", "canceled", "expired")
BY_FAMILY = {
    "document": ("pdf", "txt", "docx", "odt"),
    "markup": ("html", "docx", "pdf"),
    "spreadsheet": ("pdf", "xlsx", "csv", "json"),
    "presentation": ("pdf", "odp", "pptx"),
    "ebook": ("pdf", "txt", "epub"),
    "data": ("json", "csv", "yaml", "xml"),
    "email": ("pdf", "html", "txt"),
    "image": ("png", "jpg", "pdf"),
    "vector": ("png", "pdf"),
    "audio": ("mp3", "wav"),
    "video": ("mp4", "gif"),
    "subtitle": ("srt", "vtt"),
    "archive": ("zip", "tar"),
    "font": ("woff2", "ttf"),
}
BY_FORMAT = {
    "pdf": ("docx", "txt", "png", "html"),
    "csv": ("xlsx", "json", "pdf"),
    "txt": ("pdf", "html", "docx"),
    "html": ("pdf", "docx", "md"),
}


@dataclass(frozen=True)
class Outcome:
    """One file to one target; ``code`` and ``detail`` of the problem when there was one."""

    name: str
    source: str
    target: str
    status: str  # completed, failed, or refused
    verdict: str = ""
    code: str = ""
    detail: str = ""
    seconds: float = 0.0


class Client:
    """Sends files and waits for their jobs."""

    def __init__(self, base: str, key: str, save: Path | None) -> None:
        self.http = httpx.Client(
            base_url=f"{base.rstrip('/')}/api/v1",
            headers={"Authorization": f"Api-Key {key}"},
            timeout=120,
        )
        self.save = save

    def formats(self) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
        """Formats by code, and the code of each extension."""
        rows = {row["code"]: row for row in self._all("/conversions/formats/")}
        names: dict[str, str] = {}
        for row in rows.values():
            for extension in row["extensions"]:
                names.setdefault(extension, row["code"])
        return rows, names

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        cursor = None
        while True:
            page = self.http.get(
                path, params={"limit": 200, **({"cursor": cursor} if cursor else {})}
            )
            page.raise_for_status()
            made = page.json()
            yield from made["items"]
            cursor = made.get("next")
            if not cursor:
                return

    def convert(self, path: Path, source: str, target: str) -> Outcome:
        """One conversion to its end."""
        with path.open("rb") as stream:
            answer = self.http.post(
                "/conversions/convert/",
                params={"wait": 60},
                files={"file": (path.name, stream)},
                data={"output_format": target},
            )
        made = answer.json()
        if answer.status_code >= 400:
            status = "refused" if answer.status_code < 500 else "server_error"
            return Outcome(path.name, source, target, status, "", made["code"], made["detail"])
        while made["status"] not in ENDED:
            made = self.http.get(f"/conversions/jobs/{made['id']}/", params={"wait": 60}).json()
        self._keep(made, path.name, target)
        return _outcome(made, path.name, source, target)

    def _keep(self, job: dict[str, Any], name: str, target: str) -> None:
        if self.save is None:
            return
        stem = f"{name}--{target}"
        (self.save / f"{stem}.job.json").write_text(json.dumps(job, indent=1))
        if job["status"] == "completed":
            got = self.http.get(f"/conversions/jobs/{job['id']}/download/")
            got.raise_for_status()
            many = ".zip" if len(job["outputs"]) > 1 else ""
            (self.save / f"{stem}.{target}{many}").write_bytes(got.content)


def _outcome(job: dict[str, Any], name: str, source: str, target: str) -> Outcome:
    error, report = job["error"] or {}, job["report"] or {"verdict": "", "checks": []}
    wrong = [
        f"{c['name']}: {c['expected']} ≠ {c['actual']}" for c in report["checks"] if not c["ok"]
    ]
    detail = " | ".join([str(error.get("detail") or ""), *wrong]).strip(" |")
    return Outcome(
        name, source, target, job["status"], report["verdict"], error.get("code", ""), detail
    )


def targets_of(row: dict[str, Any]) -> list[str]:
    """Those of the table that are offered for this format."""
    wanted = BY_FORMAT.get(row["code"]) or BY_FAMILY.get(row["family"], ())
    return [code for code in wanted if code in row["inputs_to"] and code != row["code"]]


def drawn(codes: Iterable[str], name: str, count: int) -> list[str]:
    """As many of the codes, the same for the same name."""
    among = sorted(codes)
    return random.Random(name).sample(among, min(count, len(among)))  # noqa: S311 (no secret)


def work_of(
    rows: dict[str, dict[str, Any]], names: dict[str, str], folder: Path, usual: int, more: int
) -> list[tuple[Path, str, str]]:
    """(file, its format by name, target) of all files that have a format by name."""
    made = []
    for path in sorted(folder.iterdir()):
        ends = "".join(path.suffixes[-2:])[1:], path.suffix[1:]
        code = next((names[end] for end in (*ends, ends[1].lower()) if end in names), None)
        if path.is_file() and code:
            others = set(rows[code]["inputs_to"]) - {*targets_of(rows[code]), code}
            wanted = drawn(targets_of(rows[code]), path.name, usual)
            wanted += drawn(others, path.name, more)
            made += [(path, code, target) for target in wanted]
    return made


def tell(outcomes: list[Outcome], family_of: dict[str, str]) -> None:
    """Everything that did not complete, then shares by source format and by family."""
    by_source: dict[str, Counter[str]] = {}
    for one in outcomes:
        by_source.setdefault(one.source, Counter())[one.verdict or one.status] += 1
        if one.status != "completed":
            print(f"{one.status:9} {one.code:20} {one.name} → {one.target}: {one.detail[:400]}")
    for one in outcomes:
        if one.status == "completed" and one.verdict != "verified":
            print(f"{one.verdict:9} {one.name} → {one.target}: {one.detail[:300]}")
    for source, counts in sorted(by_source.items()):
        print(f"{source:12}", dict(counts))
    by_family: dict[str, Counter[str]] = {}
    for one in outcomes:
        by_family.setdefault(family_of[one.source], Counter())[one.status] += 1
    for family, counts in sorted(by_family.items()):
        ended = counts["completed"] + counts["failed"]
        print(f"{family:12} {counts['completed'] / max(1, ended):7.2%}", dict(counts))
    count = Counter(one.status for one in outcomes)
    share = count["completed"] / max(1, count["completed"] + count["failed"])
    print(f"{len(outcomes)} conversions: {dict(count)}")
    print(f"completed of those accepted: {share:.2%}")


def main() -> None:
    """Run and tell; exits 1 below the wanted share."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="http://localhost:8000")
    parser.add_argument("--key", required=True)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--only", default="", help="source formats, by commas")
    parser.add_argument("--parallel", type=int, default=3)
    parser.add_argument("--usual", type=int, default=9, help="usual targets of each file")
    parser.add_argument("--more", type=int, default=0, help="drawn targets of each file")
    asked = parser.parse_args()
    if asked.save:
        asked.save.mkdir(parents=True, exist_ok=True)
    client = Client(asked.base, asked.key, asked.save)
    only = set(filter(None, asked.only.split(",")))
    rows, names = client.formats()
    work = work_of(rows, names, asked.folder, asked.usual, asked.more)
    work = [one for one in work if not only or one[1] in only]
    with ThreadPoolExecutor(asked.parallel) as threads:
        outcomes = list(threads.map(lambda one: client.convert(*one), work))
    tell(outcomes, {code: row["family"] for code, row in rows.items()})
    if asked.save:
        lines = (json.dumps(asdict(one), ensure_ascii=False) for one in outcomes)
        (asked.save / "outcomes.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
