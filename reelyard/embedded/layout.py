"""Where an embedded farm keeps its things, and the environment its processes are given.

Pure: makes names and values, touches no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports on this machine."""

    api: int
    dashboard: int
    broker: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One farm under one folder. URLs that are given replace the embedded part."""

    state: Path
    ports: Ports
    token_file: Path
    broker_url: str = ""
    database_url: str = ""
    store_url: str = ""
    host: str = "127.0.0.1"

    @property
    def farm_file(self) -> Path:
        """Written when the farm is ready, removed when it stops."""
        return self.state / "farm.json"

    @property
    def lock_file(self) -> Path:
        """Held while the farm runs."""
        return self.state / "up.lock"

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.state / "logs"

    @property
    def api(self) -> str:
        """The API's base address."""
        return f"http://{self.host}:{self.ports.api}"

    @property
    def dashboard(self) -> str:
        """The dashboard's base address."""
        return f"http://{self.host}:{self.ports.dashboard}"

    def embedded_database(self) -> str:
        """SQLite in the state folder."""
        return f"sqlite:///{(self.state / 'farm.db').resolve()}"

    def embedded_store(self) -> str:
        """A folder of artifacts."""
        return f"file://{(self.state / 'artifacts').resolve()}"

    def environment(self, base: Mapping[str, str], broker_url: str) -> dict[str, str]:
        """What every process of the farm finds in its environment."""
        return {
            **base,
            "REELYARD_STATE": str(self.state.resolve()),
            "REELYARD_BROKER_URL": broker_url,
            "REELYARD_DATABASE_URL": self.database_url or self.embedded_database(),
            "REELYARD_STORE_URL": self.store_url or self.embedded_store(),
            "REELYARD_URL": self.api,
            "PYTHONUNBUFFERED": "1",
        }
