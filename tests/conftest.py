"""What holds for every test: the process that it runs in, and servers that many tests share. Each
server is started when the first test of a process asks for it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.postgres import drop_database, new_database, running_postgres


def pytest_configure(config: pytest.Config) -> None:
    """Before torch is imported: beside other test processes one thread is faster than many that
    wait for one another."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    _heed_ctrl_c()
    _take_time()


def _heed_ctrl_c() -> None:
    """A shell starts what runs in its background deaf to SIGINT, and children inherit that: a
    command that a test interrupts would go on for ever."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_time() -> None:
    """Promises about time live in bench/: a loaded machine must not turn a property red."""
    settings.register_profile(
        "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server's URL; take a database of your own with `postgres_url`."""
    with running_postgres(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database of this test alone."""
    url = new_database(postgres_server)
    yield url
    drop_database(url)
