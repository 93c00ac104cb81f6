"""`python -m loadtests.faults --row N|all`: break one thing, then ask what was lost or doubled.

Rows are those of the fault table of the research on reliability, on a stack of their own. After
each the history checker goes over everything; its last line is ``lost=0 doubled=0``.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable

from loadtests import faults_messages as messages
from loadtests import faults_services as services
from loadtests import faults_storage as storage
from loadtests import faults_workers as workers
from loadtests.faults_storage import Skipped
from loadtests.house import House, started

ROWS: dict[str, Callable[[House], None]] = {
    "1": workers.row_1,
    "2": workers.row_2,
    "3": workers.row_3,
    "4": workers.row_4,
    "lease": workers.row_lease,
    "5": services.row_5,
    "6": services.row_6,
    "7": services.row_7,
    "8": services.row_8,
    "9": storage.row_9,
    "10": storage.row_10,
    "13": messages.row_13,
    "14": messages.row_14,
    "16": storage.row_16,
    "28": storage.row_28,
    "31": storage.row_31,
}
OWN_STACK: dict[str, Callable[[], int]] = {"15": messages.row_15}
SETTINGS = {"DISPATCH_LEASE_SECONDS": "5"}


def one_line(row: Callable[..., object]) -> str:
    """What a row does."""
    return (row.__doc__ or "").splitlines()[0]


def run(name: str, house: House) -> bool:
    """One row and the checker. False when it does not hold."""
    print(f"\nrow {name}: {one_line(ROWS[name])}", flush=True)
    begun = time.monotonic()
    try:
        ROWS[name](house)
        held = True
    except Skipped as why:
        print(f"  skipped: {why}")
        return True
    except AssertionError:
        traceback.print_exc(limit=-2, file=sys.stdout)
        held = False
    found = house.judge()
    print(f"  {'held' if held else 'DID NOT HOLD'}, {time.monotonic() - begun:.0f} s")
    print(found.told(), flush=True)
    return held and found.is_clean


def run_apart(name: str) -> bool:
    """A row that needs a stack of its own."""
    print(f"\nrow {name}: {one_line(OWN_STACK[name])}", flush=True)
    try:
        return OWN_STACK[name]() == 0
    except Skipped as why:
        print(f"  skipped: {why}")
        return True
    except AssertionError:
        traceback.print_exc(limit=-2, file=sys.stdout)
        return False


def main() -> int:
    """0 when every row held."""
    wanted = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*ROWS, *OWN_STACK]
    wanted.add_argument("--row", nargs="+", default=["all"], choices=["all", *names])
    asked = wanted.parse_args().row
    chosen = names if "all" in asked else asked
    broken = [name for name in chosen if name in OWN_STACK and not run_apart(name)]
    shared = [name for name in chosen if name in ROWS]
    if shared:
        with started(SETTINGS) as house:
            broken += [name for name in shared if not run(name, house)]
            print(f"\n{len(chosen)} rows; did not hold: {', '.join(broken) or 'none'}")
            print(house.judge().told().splitlines()[-1], flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
