"""`make new-engine NAME=…`: an engine's file that works already, to change from there.

It brings a text format of that name and makes plain text of it. With a sample of the format beside
the others, `python -m conversions.matrix --only NAME` verifies the pair, and it is offered.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9_]{1,29}")
TEMPLATE = FOLDER / "new_engine.txt"


def main(arguments: list[str]) -> int:
    """Write the file; refuses a name that is no word, or taken."""
    if len(arguments) != 1 or not _NAME.fullmatch(arguments[0]):
        sys.stderr.write("make new-engine NAME=… (small letters, digits, underscores)\n")
        return 2
    path = FOLDER / f"{arguments[0]}.py"
    if path.exists():
        sys.stderr.write(f"{path} is there already\n")
        return 1
    path.write_text(TEMPLATE.read_text().replace("NAME", arguments[0]))
    sys.stdout.write(f"{path.relative_to(FOLDER.parents[1])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
