#!/usr/bin/env python3
"""Django's entry: puts platform/ on the path, then hands over."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")  # noqa: TID251 - the entry point
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - path first

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
