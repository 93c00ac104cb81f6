"""Limits and surroundings of each kind of untrusted work, as one table."""

from __future__ import annotations

from dataclasses import dataclass, field

MIB = 1 << 20
GIB = 1 << 30
NOBODY = 65534  # uid and gid of untrusted work that can't fork, when the owner is root
# Programs get a user each: the kernel counts processes by user, so that one which takes all that
# it may would otherwise leave none to its neighbours. Below 65,536 for containers' user maps.
FIRST_USER, USERS = 50_000, 10_000


@dataclass(frozen=True, kw_only=True)
class SandboxProfile:
    """What one run may use. Everything that is not named here is not there."""

    cpu_s: int  # processor seconds, summed over threads
    wall_s: float  # default deadline, the caller may set a shorter one
    memory_bytes: int  # address space on top of what the runtime needs at rest
    output_bytes: int  # per file
    total_bytes: int  # all files of the work folder
    processes: int  # of the user; 0: can't fork nor start threads
    open_files: int = 256
    binds: tuple[str, ...] = ()  # further read-only paths, skipped where absent
    env: tuple[tuple[str, str], ...] = field(default=())


_FONTS = ("/etc/fonts", "/var/cache/fontconfig")
_OFFICE = (*_FONTS, "/etc/libreoffice", "/var/lib/libreoffice")

PROFILES: dict[str, SandboxProfile] = {
    "image": SandboxProfile(
        cpu_s=120,
        wall_s=60,
        memory_bytes=3 * GIB,
        output_bytes=2 * GIB,
        total_bytes=3 * GIB,
        processes=0,
    ),
    # Programs, which may start threads. All of the user's are counted together: at 64, a busy
    # machine left libde265 waiting for threads that never came.
    "picture": SandboxProfile(
        cpu_s=120,
        wall_s=60,
        memory_bytes=3 * GIB,
        output_bytes=2 * GIB,
        total_bytes=4 * GIB,
        processes=256,
        binds=(*_FONTS, "/etc/ImageMagick-6"),
    ),
    "document": SandboxProfile(
        cpu_s=300,
        wall_s=120,
        memory_bytes=2 * GIB,
        output_bytes=1 * GIB,
        total_bytes=2 * GIB,
        processes=0,
    ),
    "inspect": SandboxProfile(
        cpu_s=30,
        wall_s=60,  # of a busy machine; cpu_s is the limit on work
        memory_bytes=2 * GIB,
        output_bytes=64 * MIB,
        total_bytes=128 * MIB,
        processes=0,
    ),
    # soffice reserves far more than it touches: 3 GiB refuses no sample, 2 GiB leaves no margin.
    # The processor limit is for the host's whole life of about a hundred documents.
    "office": SandboxProfile(
        cpu_s=3600,
        wall_s=60,
        memory_bytes=4 * GIB,
        output_bytes=1 * GIB,
        total_bytes=2 * GIB,
        processes=256,
        binds=_OFFICE,
        env=(("SAL_USE_VCLPLUGIN", "svp"), ("SAL_DISABLE_WATCHDOG", "1")),
    ),
    "media": SandboxProfile(
        cpu_s=7200,
        wall_s=3600,
        memory_bytes=3 * GIB,
        output_bytes=8 * GIB,
        total_bytes=16 * GIB,
        processes=256,
    ),
    # 270 kB of nested brackets take pandoc 4 GB (measured), 1 MB of plain text 0.3 GB.
    "markup": SandboxProfile(
        cpu_s=120,
        wall_s=90,
        memory_bytes=3 * GIB // 2,
        output_bytes=512 * MIB,
        total_bytes=1 * GIB,
        processes=256,
    ),
    "book": SandboxProfile(
        cpu_s=300,
        wall_s=240,
        memory_bytes=4 * GIB,
        output_bytes=1 * GIB,
        total_bytes=2 * GIB,
        processes=256,
        binds=(*_FONTS, "/etc/ImageMagick-6"),
        env=(("QT_QPA_PLATFORM", "offscreen"), ("CALIBRE_NO_NATIVE_FILEDIALOGS", "1")),
    ),
    "page": SandboxProfile(
        cpu_s=600,
        wall_s=240,  # 300 pages on a busy machine
        memory_bytes=2 * GIB,
        output_bytes=2 * GIB,
        total_bytes=4 * GIB,
        processes=256,
        binds=(*_FONTS, "/var/lib/ghostscript", "/etc/ghostscript"),
        env=(("OMP_THREAD_LIMIT", "1"),),
    ),
    "probe": SandboxProfile(
        cpu_s=2,
        wall_s=2,
        memory_bytes=256 * MIB,
        output_bytes=1 * MIB,
        total_bytes=2 * MIB,
        processes=32,
    ),
    "cold_python": SandboxProfile(  # what the fork server runs where it can't confine by itself
        cpu_s=300,
        wall_s=120,
        memory_bytes=5 * GIB,
        output_bytes=2 * GIB,
        total_bytes=3 * GIB,
        processes=256,
        binds=_FONTS,
    ),
}
