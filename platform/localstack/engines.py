"""The programs of engines.txt: found, installed by apt where we may; standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().parent / "engines.txt"
LOG = Path(__file__).resolve().parents[2] / "var" / "log" / "setup.txt"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Somebody else's apt may hold the lock: five minutes of patience. A dead network: seconds.
APT = (
    *("apt-get", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=2"),
    *("-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"),
)
INSTALL = ("install", "-y", "-q", "--no-install-recommends")
POLICY = Path("/usr/sbin/policy-rc.d")


@dataclass(frozen=True)
class Package:
    name: str
    program: str
    price: str


def listed(path: Path = LIST) -> list[Package]:
    packages = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, program, price = (part.strip() for part in line.split("|"))
            packages.append(Package(name, "" if program == "-" else program, price))
    return packages


def missing(packages: Sequence[Package]) -> list[Package]:
    """By Debian's own book; elsewhere only the programs can be looked for."""
    if not shutil.which("dpkg-query"):
        return [p for p in packages if p.program and not _which(p.program)]
    command = ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\\n"]
    names = [package.name for package in packages]
    asked = subprocess.run([*command, *names], check=False, capture_output=True, text=True)
    present = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    # A program from elsewhere (nginx-full, a newer ffmpeg) does as well.
    return [p for p in packages if p.name not in present and not (p.program and _which(p.program))]


def install_missing() -> None:
    """Installs what it can and says plainly what stays missing; silent when nothing does."""
    wanted = missing(listed())
    if not wanted:
        return
    began = time.monotonic()
    names = [package.name for package in wanted]
    reason = apt_refusal()
    if not reason:
        print(f"  engines: installing {len(names)} packages by apt: {' '.join(names)}", flush=True)
        apt_install(names)
        left = missing(wanted)
        print(f"  engines: {len(wanted) - len(left)} installed, {time.monotonic() - began:.0f} s")
        reason = f"apt could not install them, see {LOG}"
    else:
        left = wanted
    if left:
        _lament(left, reason)


def apt_refusal() -> str:
    """Why apt is out of question here; empty when it is not."""
    if not shutil.which("apt-get"):
        return "this system has no apt: install them by its own means"
    if os.geteuid() and not _sudo():
        return "neither root nor sudo without a password: ask an administrator"
    return ""


def apt_install(names: Sequence[str]) -> bool:
    """All at once; when that fails, one by one, so that one unknown name costs only itself."""
    if apt_refusal():
        return False
    with _services_kept_down():
        _apt("update", "-q")
        if _apt(*INSTALL, *names):
            return True
        if len(names) == 1:
            return False
        return sum(_apt(*INSTALL, name) for name in names) == len(names)


def _apt(*arguments: str) -> bool:
    """Runs apt-get; its words go to the log, on the screen a line now and then."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    settings = ["env", "DEBIAN_FRONTEND=noninteractive", f"PATH={SYSTEM_PATH}"]
    command = [*_sudo(), *settings, *APT, *arguments]
    shown = time.monotonic()
    with (
        LOG.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running,
    ):
        for line in running.stdout or ():
            log.write(line)
            if time.monotonic() - shown > 5:
                shown = time.monotonic()
                print(f"    {line.strip()[:90]}", flush=True)
    return running.returncode == 0


@contextmanager
def _services_kept_down() -> Iterator[None]:
    """Debian starts an installed nginx at once, on port 80: we only want the program."""
    ours = not os.geteuid() and POLICY.parent.is_dir() and not POLICY.exists()
    had_nginx = _which("nginx")
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)
        if not had_nginx and _which("nginx") and shutil.which("systemctl"):
            command = [*_sudo(), "systemctl", "disable", "--now", "nginx"]
            subprocess.run(command, check=False, capture_output=True)


def _sudo() -> list[str]:
    """The prefix that makes us root; empty when we are, or when it needs a password."""
    if not os.geteuid() or not shutil.which("sudo"):
        return []
    allowed = subprocess.run(["sudo", "-n", "true"], check=False, capture_output=True)
    return ["sudo", "-n"] if allowed.returncode == 0 else []


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}")


def _lament(left: Sequence[Package], reason: str) -> None:
    print(f"  engines: {len(left)} missing ({reason})")
    for package in left:
        print(f"    {package.name:<26} without it: {package.price}")
    print("    All of them: apt-get install --no-install-recommends", *[p.name for p in left])
