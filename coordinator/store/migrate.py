"""Brings a database to the newest form of the tables. Several processes may try at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from coordinator.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_033_559  # any number that nothing else on the server locks


def migrate(database: Database) -> None:
    """Run every migration that has not run yet, in one transaction."""
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """Alembic's settings, made here: there is no ini file to find or to lose."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
