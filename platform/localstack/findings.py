"""`make lint`'s second half: bandit on our code, pip-audit on what we depend on.

Findings that we keep stand in security-findings.toml with their reason; any other fails, and so
does a kept one that is gone. Without a service for advisories pip-audit is skipped in plain words.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
KEPT = ROOT / "security-findings.toml"
OURS = ("platform", "tenants", "billing", "conversions", "media_library", "webhooks")
LONGEST_S = 300


def run_json(argv: list[str]) -> dict[str, object] | None:
    """A program's JSON answer, None without one; its exit code says the same as the answer."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=LONGEST_S, cwd=ROOT
        )
        found: dict[str, object] = json.loads(done.stdout)
    except (ValueError, subprocess.TimeoutExpired):
        return None
    return found


def code_findings() -> dict[tuple[str, str], str]:
    """(test, path) → where and what, of medium severity and above."""
    folders = [name for name in (*OURS, "notifications") if (ROOT / name).is_dir()]
    report = run_json([str(BIN / "bandit"), "-r", *folders, "-ll", "-q", "-f", "json"])
    if report is None:
        sys.exit("bandit gave no report")
    results: list[dict[str, str]] = report["results"]  # type: ignore[assignment]
    return {
        (item["test_id"], item["filename"].removeprefix("./")): (
            f"{item['filename']}:{item['line_number']}: {item['test_id']} {item['issue_text']}"
        )
        for item in results
    }


def audited(requirements: Path) -> list[dict[str, object]]:
    """What pip-audit says of each pinned requirement; those it could not look up are left out."""
    switches = ["--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json"]
    report = run_json([str(BIN / "pip-audit"), "-r", str(requirements), *switches, "--timeout=10"])
    found: list[dict[str, object]] = (report or {}).get("dependencies", [])  # type: ignore[assignment]
    return [item for item in found if "skip_reason" not in item]


def package_findings() -> dict[str, str] | None:
    """Advisory → package and version; None where no service answers.

    One package is asked for first: without a network the whole list takes minutes to fail.
    """
    pinned = [line.split()[0] for line in (ROOT / "requirements.lock").open() if line[0].isalpha()]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text(next(line for line in pinned if line.startswith("django==")))
        if not audited(wanted):
            return None
        wanted.write_text("\n".join(pinned))
        return {
            str(advisory["id"]): f"{item['name']} {item['version']}: {advisory['id']}"
            for item in audited(wanted)
            for advisory in item["vulns"]  # type: ignore[attr-defined]
        }


def judge(name: str, found: Mapping[Any, str], kept: set[Any]) -> list[str]:
    """What is new, and what is kept without need."""
    return [f"{name}: {words}" for key, words in found.items() if key not in kept] + [
        f"{name}: security-findings.toml keeps {key}, which is gone" for key in kept - set(found)
    ]


def main() -> None:
    """Exit 1 with every finding that nobody has justified."""
    kept = tomllib.loads(KEPT.read_text())
    code = code_findings()
    wrong = judge("bandit", code, {(item["test"], item["path"]) for item in kept["bandit"]})
    packages = package_findings()
    if packages is None:
        print("pip-audit: skipped, no service for advisories answers on this network")
    else:
        wrong += judge("pip-audit", packages, {i["id"] for i in kept.get("pip-audit", [])})
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"bandit: {len(code)} kinds of findings, each justified in {KEPT.name}")


if __name__ == "__main__":
    main()
