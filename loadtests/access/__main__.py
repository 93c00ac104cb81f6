"""The command: which lines, which values, which product."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from loadtests.access import (
    accounts,
    audit,
    isolation,
    keys,
    limits,
    once,
    problems,
    profile,
    roles,
    second_factor,
    staff,
    tenants,
)
from loadtests.access.stage import Stage
from loadtests.running import ROOT

LINES: tuple[tuple[int, str, tuple[Callable[[Stage], None], ...]], ...] = (
    (1, "Accounts", (accounts.play, profile.play)),
    (2, "Second factor", (second_factor.play,)),
    (3, "Tenants", (tenants.play,)),
    (4, "Roles and permissions", (roles.play,)),
    (5, "API keys", (keys.play,)),
    (6, "Limits", (limits.play,)),
    (7, "Idempotency", (once.play,)),
    (9, "Audit", (audit.play,)),
    (10, "Isolation", (isolation.play,)),
    (11, "Staff", (staff.play,)),
    (8, "Errors", (problems.play,)),  # last: it counts what the others met
)


def run(
    demo: dict[str, Any],
    mails: Path,
    seed: int,
    only: Sequence[int] = (),
    *,
    is_brief: bool = False,
) -> Stage:
    """Play the lines; the stage knows how it went."""
    stage = Stage(demo, mails, seed)
    stage.is_brief = is_brief
    print(f"Playing against {demo['base_url']} with --seed {seed}")
    stage.is_whole = not only and not is_brief
    with closing(stage.wire):
        for number, title, parts in LINES:
            if not only or number in only:
                with stage.line(number, title):
                    for play in parts:
                        play(stage)
    print(f"\n{stage.wire.counted} calls; checks passed={stage.passed}")
    print(f"failed={stage.failed}")
    return stage


def mail_folder(facts: dict[str, str], written: Path) -> Path:
    """``mail_dir`` is told relative to the checkout that serves."""
    named = Path(facts["mail_dir"])
    return next(
        (
            found
            for base in (written.resolve().parent.parent, ROOT)
            if (found := base / named).is_dir()
        ),
        ROOT / named,
    )


def main() -> None:
    """Parse, play, exit 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=ROOT / "var/demo.json")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", type=int, action="append", default=[], help="a line; repeatable")
    parser.add_argument("--brief", action="store_true", help="without the thousands of calls")
    asked = parser.parse_args()
    facts = json.loads(asked.demo.read_text())
    mails = mail_folder(facts, asked.demo)
    stage = run(facts, mails, asked.seed, asked.only, is_brief=asked.brief)
    sys.exit(1 if stage.failed else 0)


if __name__ == "__main__":
    main()
