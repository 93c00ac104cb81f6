"""The few Linux system calls that Python's standard library lacks, by ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
_MNT_DETACH, _AT_FDCWD, _AT_RECURSIVE = 2, -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(platform.machine(), 155)
_CAPSET = {"x86_64": 126, "aarch64": 91}.get(platform.machine(), 126)
# Numbers from 424 on are the same on every architecture.
_MOUNT_SETATTR, _LL_CREATE, _LL_ADD, _LL_RESTRICT = 442, 444, 445, 446

_FS_EXECUTE, _FS_WRITE, _FS_READ_FILE, _FS_READ_DIR = 1, 2, 4, 8
_LL_READ = _FS_READ_FILE | _FS_READ_DIR | _FS_EXECUTE
_LL_FILE_ONLY = _FS_READ_FILE | _FS_WRITE | _FS_EXECUTE
_LL_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # rights that each version of Landlock knows
_LL_NET = 3  # bind and connect of TCP, from version 4
_LL_SCOPE = 3  # abstract sockets and signals, from version 6
_LL_NO_MKDEV = ~((1 << 6) | (1 << 11))  # no character or block devices in the work folder


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the named namespaces for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    arguments = (source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags))
    _checked(_libc.mount(*arguments, data and data.encode()), f"mount {target}")


def set_readonly(target: str, *, recursive: bool, devices: bool = False) -> None:
    """Make a mount read-only, without set-uid and, unless asked for, without devices."""
    attributes = _ATTR_RDONLY | _ATTR_NOSUID | (0 if devices else _ATTR_NODEV)
    buffer = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    number = ctypes.c_long(_MOUNT_SETATTR)
    result = _libc.syscall(number, _AT_FDCWD, target.encode(), flags, buffer, len(buffer))
    _checked(result, f"mount_setattr {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    """pivot_root(2)."""
    number = ctypes.c_long(_PIVOT_ROOT)
    _checked(_libc.syscall(number, new_root.encode(), put_old.encode()), "pivot_root")


def detach(target: str) -> None:
    """Unmount lazily."""
    _checked(_libc.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


def die_with_parent(parent: int) -> None:
    """SIGKILL for this process once the thread that started it ends. Cleared by a change of uid."""
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0), "prctl")
    if os.getppid() != parent:
        os._exit(1)


def no_new_privileges() -> None:
    """From here on no program gains rights by set-uid bits or file capabilities."""
    _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")


def drop_capabilities() -> None:
    """Give up every capability of this process."""
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _checked(_libc.syscall(ctypes.c_long(_CAPSET), header, data), "capset")


def map_own_user(uid: int, gid: int) -> None:
    """After CLONE_NEWUSER: keep the own numbers, so that files stay ours."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def landlock_version() -> int:
    """Version of Landlock's interface; 0 where the kernel lacks it."""
    return int(max(0, _libc.syscall(ctypes.c_long(_LL_CREATE), None, ctypes.c_size_t(0), 1)))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not Path(path).is_dir():
            rights &= _LL_FILE_ONLY
        rule = struct.pack("=Qi", rights, descriptor)
        _checked(_libc.syscall(ctypes.c_long(_LL_ADD), ruleset, 1, rule, 0), f"landlock {path}")
    finally:
        os.close(descriptor)


def landlock(readable: tuple[str, ...], writable: tuple[str, ...]) -> None:
    """Restrict this process to the paths named, without TCP. Needs ``no_new_privileges`` first."""
    version = landlock_version()
    if not version:
        raise OSError("this kernel has no Landlock")
    known = (1 << _LL_FS_BITS.get(min(version, 5), 13)) - 1
    network, scope = (_LL_NET if version >= 4 else 0), (_LL_SCOPE if version >= 6 else 0)
    attributes = struct.pack("QQQ", known, network, scope)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    call = ctypes.c_long(_LL_CREATE)
    ruleset = _checked(_libc.syscall(call, attributes, ctypes.c_size_t(size), 0), "landlock")
    for path in readable:
        _allow(ruleset, path, _LL_READ & known)
    for path in writable:
        rights = known & _LL_NO_MKDEV
        _allow(ruleset, path, rights)
    _checked(_libc.syscall(ctypes.c_long(_LL_RESTRICT), ruleset, 0), "landlock_restrict_self")
    os.close(ruleset)
