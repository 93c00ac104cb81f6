"""From a bare clone to a ready checkout: .venv from the lock file, engines by apt; stdlib only.

Usage: python3 platform/localstack/bootstrap.py [setup|engines]
A second run sees that nothing changed and returns at once. What cannot be installed is said, with
its price, and is no failure: the product then does without it.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    # By path, since nothing is installed yet and this folder must not shadow the standard library.
    sys.path[0] = str(Path(__file__).resolve().parents[1])

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
HASHED_ENTRY = r"^{name}==[^\n\\]*(?:\\\n[^\n\\]*)*"


class SetupError(Exception):
    """Setup cannot go on; the text says what to do."""


def say(text: str) -> None:
    print(text, flush=True)


def stamp_of(lock: Path, python: str = sys.version) -> str:
    """Changes with the lock file and with the interpreter."""
    return hashlib.sha256(lock.read_bytes() + python.encode()).hexdigest()


def is_current(venv: Path, lock: Path) -> bool:
    """True when this lock was installed completely into this .venv."""
    stamp = venv / ".stamp"
    return (
        stamp.exists()
        and stamp.read_text() == stamp_of(lock)
        and (venv / "bin" / "python").exists()
    )


def install_packages(venv: Path, lock: Path) -> None:
    """Makes .venv and installs the lock, by uv where it can, else by pip."""
    if is_current(venv, lock):
        return
    began = time.monotonic()
    if not (venv / "bin" / "python").exists():
        say("  environment: making .venv")
        make_venv(venv)
    python = str(venv / "bin" / "python")
    count = len(re.findall(r"^[\w.\[\]-]+==", lock.read_text(), re.MULTILINE))
    say(f"  packages: installing {count} from {lock.name} (a few minutes the first time)")
    quiet = [] if sys.stdout.isatty() else ["-q"]
    arguments = [*quiet, "--require-hashes", "-r", str(lock)]
    if not (_install_uv(python, lock) and _run(_uv(venv, arguments), env=_uv_environment(python))):
        say("  packages: uv could not do it, going on with pip (slower)")
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
        if not _run(pip):
            raise SetupError("the packages could not be installed: is the package index reachable?")
    (venv / ".stamp").write_text(stamp_of(lock))
    say(f"  packages: ready in {time.monotonic() - began:.0f} s")


def make_venv(venv: Path) -> None:
    """Debian's python3 comes without ensurepip: then python3-venv by apt, else the system's pip."""
    command = [sys.executable, "-m", "venv", "--clear", str(venv)]
    if _run(command, quiet=True):
        return
    from localstack import engines  # noqa: PLC0415 - needs sys.path of the entry above

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    say("  environment: this Python cannot make one by itself, trying python3-venv by apt")
    for package in (f"python{version}-venv", "python3-venv"):
        if engines.apt_install([package]) and _run(command, quiet=True):
            return
    pip = [sys.executable, "-m", "pip", "--python", str(venv), "install", "pip"]
    if _run([*command, "--without-pip"], quiet=True) and _run(pip, quiet=True):
        return
    raise SetupError(f"Python cannot make an environment: install python{version}-venv")


def _install_uv(python: str, lock: Path) -> bool:
    """The version and the hashes of the lock file itself."""
    entry = re.search(HASHED_ENTRY.format(name="uv"), lock.read_text(), re.MULTILINE)
    if not entry:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(entry.group() + "\n")
        wanted.flush()
        pip = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        return _run([*pip, "--require-hashes", "-r", wanted.name], quiet=True)


def _uv(venv: Path, arguments: list[str]) -> list[str]:
    """Compiled as well, as pip does it: who works in the sandbox can't, each time anew."""
    into = ["--python", str(venv), "--compile-bytecode"]
    return [str(venv / "bin" / "uv"), "pip", "install", *into, *arguments]


def _uv_environment(python: str) -> dict[str, str]:
    """uv reads no pip.conf: it gets the index, and the certificates, that pip was told to use."""
    env = dict(os.environ)
    env.setdefault("UV_SYSTEM_CERTS", "true")
    asked = subprocess.run(
        [python, "-m", "pip", "config", "get", "global.index-url"],
        check=False,
        capture_output=True,
        text=True,
    )
    index = env.get("PIP_INDEX_URL") or asked.stdout.strip()
    if index:
        env.setdefault("UV_DEFAULT_INDEX", index)
    return env


def _run(command: list[str], *, quiet: bool = False, env: dict[str, str] | None = None) -> bool:
    """True when it succeeded; `quiet` keeps its output to itself."""
    sink = subprocess.DEVNULL if quiet else None
    try:
        done = subprocess.run(command, check=False, stdout=sink, stderr=sink, env=env, cwd=ROOT)
    except OSError:
        return False
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    if sys.version_info < OLDEST:
        have = ".".join(map(str, sys.version_info[:3]))
        say(f"Filemill needs Python 3.11 or newer; {sys.executable} is {have}.")
        say("With a newer one elsewhere: make setup PYTHON=/path/to/python3")
        return 1
    from localstack import engines  # noqa: PLC0415 - not importable by an older Python

    try:
        if arguments != ["engines"]:
            install_packages(ROOT / ".venv", ROOT / "requirements.lock")
        engines.install_missing()
    except SetupError as error:
        say(f"setup: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
