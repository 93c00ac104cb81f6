"""python -m localstack serve|demo"""

import argparse
import sys
from pathlib import Path

from localstack.demo import demo
from localstack.serve import ROOT, serve


def main() -> int:
    parser = argparse.ArgumentParser(prog="localstack", description="Filemill on one machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve", help="the whole product until Ctrl-C")
    serving.add_argument("--port", type=int, default=8000)
    serving.add_argument("--host", default="127.0.0.1", help="0.0.0.0 to be reached from outside")
    serving.add_argument("--data", type=Path, default=ROOT / "var")
    walking = commands.add_parser("demo", help="the main job in plain sight, then stop")
    walking.add_argument("--data", type=Path, default=ROOT / "var" / "demo")
    chosen = parser.parse_args()
    if chosen.command == "serve":
        return serve(chosen.port, chosen.host, chosen.data)
    return demo(chosen.data)


if __name__ == "__main__":
    sys.exit(main())
