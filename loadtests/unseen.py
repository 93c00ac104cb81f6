"""`python -m loadtests.unseen FOLDER --base URL --key KEY`: strangers' files over HTTP.

Each file goes to a few targets of its family over HTTP. Told: the share that completed, verdicts,
refusals at upload, and each failure with its error. `--save DIR` keeps the results for judging.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
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


def work_of(client: Client, folder: Path) -> list[tuple[Path, str, str]]:
    """(file, its format by name, target) of all files that have a format by name."""
    rows, names = client.formats()
    made = []
    for path in sorted(folder.iterdir()):
        code = names.get(path.suffix[1:].lower())
        if path.is_file() and code:
            made += [(path, code, target) for target in targets_of(rows[code])]
    return made


def tell(outcomes: list[Outcome]) -> None:
    """Shares by source format, then everything that did not complete."""
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
    asked = parser.parse_args()
    if asked.save:
        asked.save.mkdir(parents=True, exist_ok=True)
    client = Client(asked.base, asked.key, asked.save)
    only = set(filter(None, asked.only.split(",")))
    work = [one for one in work_of(client, asked.folder) if not only or one[1] in only]
    with ThreadPoolExecutor(asked.parallel) as threads:
        outcomes = list(threads.map(lambda one: client.convert(*one), work))
    tell(outcomes)
    if asked.save:
        lines = (json.dumps(asdict(one), ensure_ascii=False) for one in outcomes)
        (asked.save / "outcomes.jsonl").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
