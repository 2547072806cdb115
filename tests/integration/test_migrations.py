"""Tables come from migrations alone: from nothing to the newest form, on both databases, by many at
once, and what they make is what the code expects."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from coordinator.store.database import Database
from coordinator.store.migrate import configuration, migrate
from coordinator.store.tables import metadata


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'farm.db'}"
    return str(request.getfixturevalue("postgres_url"))


def version(database: Database) -> list[str]:
    with database.read() as connection:
        rows = connection.execute(text("SELECT version_num FROM alembic_version"))
        return list(rows.scalars())


def test_what_the_migrations_make_is_what_the_code_expects(url: str) -> None:
    database = Database(url)
    migrate(database)
    with database.read() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        head = ScriptDirectory.from_config(configuration(connection)).get_current_head()
    assert differences == []
    assert version(database) == [head]
    database.close()


def test_a_second_time_changes_nothing(url: str) -> None:
    database = Database(url)
    migrate(database)
    with database.write() as connection:
        connection.execute(text("INSERT INTO leases VALUES ('door', 'a', 1.0, 1)"))
    before = version(database)
    migrate(database)
    assert version(database) == before
    with database.read() as connection:
        assert connection.execute(text("SELECT holder FROM leases")).scalar_one() == "a"
    database.close()


def test_many_who_start_at_once_make_one_set_of_tables(url: str) -> None:
    together = threading.Barrier(4)

    def start(_: int) -> list[str]:
        database = Database(url)
        together.wait()
        migrate(database)
        found = version(database)
        database.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(start, range(4)))
    assert all(versions == found[0] and len(versions) == 1 for versions in found)


def test_a_migration_that_breaks_off_leaves_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, whole = Database(url), command.upgrade

    def break_off(*arguments: object) -> None:
        whole(*arguments)  # type: ignore[arg-type]
        raise RuntimeError("the power went")

    monkeypatch.setattr(command, "upgrade", break_off)
    with pytest.raises(RuntimeError):
        migrate(database)
    assert inspect(database.engine).get_table_names() == []
    monkeypatch.undo()
    migrate(database)
    assert "jobs" in inspect(database.engine).get_table_names()
    database.close()


def test_every_migration_can_be_taken_back(url: str) -> None:
    database = Database(url)
    migrate(database)
    with database.write() as connection:
        command.downgrade(configuration(connection), "base")
    left = set(inspect(database.engine).get_table_names()) - {"alembic_version"}
    assert left == set()
    migrate(database)
    database.close()
