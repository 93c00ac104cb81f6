"""Confine the calling process for good: own namespaces, own file tree, Landlock, limits, no rights.

Called in a child forked for one call. Each layer stands for itself, so that one which a container
denies (mounts, say) leaves the others in force; the caller is told which ones hold.
"""

from __future__ import annotations

import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import kernel
from sandbox.profiles import NOBODY

_SYSTEM = (
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/var/cache/fontconfig",
)
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")


@dataclass(frozen=True, kw_only=True)
class Confinement:
    """What the child keeps. Paths are absolute and mean the same inside and outside."""

    readable: tuple[str, ...]
    writable: str | None
    cpu_s: int
    memory_bytes: int
    output_bytes: int
    processes: int
    open_files: int
    user: int = NOBODY  # that root becomes


def runtime_paths() -> tuple[str, ...]:
    """What this Python needs to import: prefixes, and top packages loaded from elsewhere."""
    prefixes = {str(Path(p).resolve()) for p in (sys.prefix, sys.base_prefix)} | {sys.prefix}
    found = {p for p in prefixes if not p.startswith("/usr")}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." in name or not file or file.startswith(("/usr", *prefixes)):
            continue
        path = Path(file)
        found.add(str(path.parent if path.name == "__init__.py" else path))
    return tuple(sorted(p for p in found if not any(p.startswith(f"{o}/") for o in found)))


def _place(path: str, *, readonly: bool) -> None:
    """Bind one path of the old tree at the same place in the new one."""
    source = f"/.old{path}"
    if not os.path.lexists(source):
        return
    if Path(source).is_symlink():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).symlink_to(Path(source).readlink())
        return
    if Path(source).is_dir():
        Path(path).mkdir(parents=True, exist_ok=True)
    else:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    kernel.mount(source, path, None, kernel.MS_BIND | kernel.MS_REC)
    if readonly:
        kernel.set_readonly(path, recursive=True, devices=path.startswith("/dev/"))


def _own_tree(confinement: Confinement) -> None:
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("tmpfs", "/tmp", "tmpfs", flags, "mode=755,size=1m")  # noqa: S108 (hidden at once)
    os.mkdir("/tmp/.old")  # noqa: S108, PTH102
    kernel.pivot_root("/tmp", "/tmp/.old")  # noqa: S108
    os.chdir("/")
    for path in dict.fromkeys((*_SYSTEM, *_DEVICES, *confinement.readable)):
        _place(path, readonly=True)
    if confinement.writable:
        _place(confinement.writable, readonly=False)
    kernel.detach("/.old")
    Path("/.old").rmdir()
    kernel.set_readonly("/", recursive=False)


def leave_network() -> tuple[str, ...]:
    """For the warm parent: a network without interfaces, which all its children inherit.

    A namespace per child would cost a millisecond more; children can't reach each other through a
    network whose loopback is down, nor through abstract sockets, which Landlock keeps apart.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        if uid != 0:
            kernel.unshare(kernel.CLONE_NEWUSER)
            kernel.map_own_user(uid, gid)
        kernel.unshare(kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS)
    except OSError:
        return ()
    return ("network",)


def _tree(confinement: Confinement) -> tuple[str, ...]:
    try:
        kernel.unshare(kernel.CLONE_NEWNS)
        _own_tree(confinement)
    except OSError:
        if Path("/.old").exists():  # half a tree is no tree: never go on in it
            raise
        return ()
    return ("tree",)


def _limits(confinement: Confinement, address_space: int) -> None:
    table = (
        (resource.RLIMIT_CPU, confinement.cpu_s),
        (resource.RLIMIT_AS, confinement.memory_bytes + address_space),
        (resource.RLIMIT_FSIZE, confinement.output_bytes),
        (resource.RLIMIT_NPROC, confinement.processes),
        (resource.RLIMIT_NOFILE, confinement.open_files),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, value in table:
        hard = resource.getrlimit(kind)[1]
        limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # One second between the limits of processor time: SIGXCPU names the reason, SIGKILL ends.
        soft_gap = 1 if kind == resource.RLIMIT_CPU else 0
        resource.setrlimit(kind, (limit, limit + soft_gap))


def _address_space() -> int:
    """Size of this process, asked before confinement hides /proc."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def confine(
    confinement: Confinement, parent: int, inherited: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Apply all layers; returns those in force: network, tree, landlock, limits, user."""
    address_space = _address_space()
    is_root = os.getuid() == 0
    applied = [*(inherited or leave_network()), *_tree(confinement)]
    if is_root:
        os.setgroups([])
        os.setresgid(*[confinement.user] * 3)
        os.setresuid(*[confinement.user] * 3)
        applied.append("user")
    kernel.drop_capabilities()
    kernel.no_new_privileges()
    kernel.die_with_parent(parent)
    try:
        writable = ("/dev/null", *((confinement.writable,) if confinement.writable else ()))
        readable = (*_SYSTEM, *_DEVICES, *confinement.readable)
        kernel.landlock(readable, writable)
        applied.append("landlock")
    except OSError:
        pass
    _limits(confinement, address_space)
    return (*applied, "limits")
