"""Free ports on the loopback address, chosen once for a data folder and remembered."""

import json
import socket
from contextlib import ExitStack
from pathlib import Path

HOST = "127.0.0.1"


def is_free(port: int, host: str = HOST) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = HOST) -> bool:
    """True when something accepts connections."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def free_ports(count: int) -> list[int]:
    """Ports that are free now; held together while they are chosen, so all differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((HOST, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def remembered_ports(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """The ports of the last run where they are still free, else new ones; written to `path`."""
    try:
        before = {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        before = {}
    kept = {name: before[name] for name in names if name in before and is_free(before[name])}
    missing = [name for name in names if name not in kept]
    chosen = kept | dict(zip(missing, free_ports(len(missing)), strict=True))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen, indent=1))
    return chosen
