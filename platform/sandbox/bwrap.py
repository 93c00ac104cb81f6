"""Command lines that put a program into bubblewrap, or into our own confinement where it fails."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess  # noqa: TID251 (the sandbox is where programs are started)
import sys
from pathlib import Path
from typing import Literal

from sandbox.confine import runtime_paths
from sandbox.profiles import NOBODY, PROFILES, SandboxProfile

Level = Literal["full", "reduced", "none"]
_TMP_BYTES = 512 << 20
_BINDS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/mime.types")


def _rights() -> list[str]:
    """As root we enter without a user namespace, since only real uids are counted by NPROC."""
    if os.getuid() != 0:
        return ["--unshare-all", "--cap-drop", "ALL"]
    spaces = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    keep = [
        word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")
    ]
    return [*spaces, "--unshare-cgroup-try", "--cap-drop", "ALL", *keep]


def _drop(workdir: Path, user: int) -> list[str]:
    if os.getuid() != 0:
        return []
    become = ["--reuid", str(user), "--regid", str(user), "--clear-groups"]
    return [
        "setpriv",
        *become,
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
        "--",
        "env",
        f"--chdir={workdir}",
    ]  # only now may we enter a folder that is the user's own


def _limits(profile: SandboxProfile) -> list[str]:
    return [
        "prlimit",
        f"--cpu={profile.cpu_s}:{profile.cpu_s + 1}",
        f"--as={profile.memory_bytes}",
        f"--fsize={profile.output_bytes}",
        f"--nproc={profile.processes}",
        f"--nofile={profile.open_files}",
        "--core=0",
        "--",
    ]


def environment(profile: SandboxProfile, workdir: Path) -> dict[str, str]:
    """The whole environment of a program; nothing of ours is inherited."""
    base = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(workdir), "TMPDIR": "/tmp"}  # noqa: S108
    return base | dict(profile.env)


def bubble(
    argv: list[str],
    profile: SandboxProfile,
    workdir: Path,
    *,
    python: bool = False,
    user: int = NOBODY,
) -> list[str]:
    """``argv`` inside bubblewrap; ``python`` shows our interpreter and sources as well."""
    words = ["bwrap", *_rights(), "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in environment(profile, workdir).items():
        words += ["--setenv", name, value]
    words += ["--ro-bind", "/usr", "/usr"]
    for name in ("lib", "lib64", "lib32", "bin", "sbin"):
        place = Path("/") / name
        if place.is_symlink():
            words += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    words += ["--proc", "/proc", "--dev", "/dev"]
    words += ["--perms", "1777", "--size", str(_TMP_BYTES), "--tmpfs", "/tmp"]  # noqa: S108
    shown = (*_BINDS, *profile.binds, *(runtime_paths() if python else ()))
    for folder in _parents((*shown, str(workdir))):
        words += ["--perms", "0755", "--dir", folder]
    for path in shown:
        words += ["--ro-bind-try", path, path]
    words += ["--bind", str(workdir), str(workdir)]
    words += ["--remount-ro", "/"]  # else its own files could fill the memory
    words += ["--chdir", "/" if os.getuid() == 0 else str(workdir), "--"]
    return [*words, *_drop(workdir, user), *_limits(profile), *argv]


def _parents(paths: tuple[str, ...]) -> list[str]:
    """Folders above the binds: bubblewrap would make them 0700 and root's."""
    found = {str(folder) for path in paths for folder in Path(path).parents}
    return sorted(found - {"/", "/usr", "/tmp", "/lib", "/bin", "/dev", "/proc"})  # noqa: S108


def launcher(
    argv: list[str], profile: SandboxProfile, workdir: Path, user: int = NOBODY
) -> list[str]:
    """``argv`` through our own confinement (namespaces, Landlock, limits as far as allowed)."""
    names = ("cpu_s", "memory_bytes", "output_bytes", "processes", "open_files")
    order = {
        "limits": {name: getattr(profile, name) for name in names},
        "readable": [*_BINDS, *profile.binds, *runtime_paths()],
        "workdir": str(workdir),
        "user": user,
        "env": environment(profile, workdir) | {"TMPDIR": str(workdir)},
    }
    path = "PYTHONPATH=" + os.pathsep.join(p for p in sys.path if p)
    launch = [sys.executable, "-m", "sandbox.launch", json.dumps(order)]
    return ["/usr/bin/env", path, *launch, *argv]


def command(
    argv: list[str],
    profile: SandboxProfile,
    workdir: Path,
    *,
    python: bool = False,
    user: int = NOBODY,
) -> list[str]:
    """The strongest form that works here; as root the work runs as ``user``."""
    if bubblewrap_works():
        return bubble(argv, profile, workdir, python=python, user=user)
    return launcher(argv, profile, workdir, user)


@functools.cache
def bubblewrap_works() -> bool:
    """Whether bubblewrap can run a program here (containers often deny it)."""
    if not shutil.which("bwrap"):
        return False
    argv = bubble(["true"], PROFILES["probe"], Path("/usr/share"))
    try:
        done = subprocess.run(argv, capture_output=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@functools.cache
def level() -> Level:
    """full: no network, no foreign files. reduced: one of the two. none: limits only."""
    if bubblewrap_works():
        return "full"
    argv = [sys.executable, "-m", "sandbox.launch", "--layers"]
    environment_now = {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        done = subprocess.run(  # noqa: S603
            argv, capture_output=True, timeout=10, check=False, env=environment_now, text=True
        )
        layers = set(json.loads(done.stdout or "[]"))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return "none"
    files = bool(layers & {"tree", "landlock"})
    if files and "network" in layers:
        return "full"
    return "reduced" if files or "network" in layers else "none"
