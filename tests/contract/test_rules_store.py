"""House rules in SQLite and in a real PostgreSQL server: every revision is kept and told of."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from coordinator.store.ledger import Ledger
from coordinator.store.rules import (
    most_waiting,
    newest,
    put_rules,
    read_history,
    read_rules,
    revision,
)
from coordinator.store.tables import events, rules, touched
from reelyard.errors import Conflict, InvalidInput, NotFound
from reelyard.rules.document import no_rules
from reelyard.rules.parse import parse
from tests.support.farm_in_hand import FarmInHand

ONE = "[owners.anna]\nweight = 2\n"
TWO = "[owners.anna]\nweight = 3\nmax_waiting = 5\n"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def farm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FarmInHand]:
    file = f"sqlite:///{tmp_path / 'farm.db'}"
    is_file = request.param == "sqlite"
    farm = FarmInHand(file if is_file else str(request.getfixturevalue("postgres_url")))
    yield farm
    farm.database.close()


def put(farm: FarmInHand, text: str, who: str = "anna") -> int:
    farm.clock.advance(1.0)
    with farm.database.write() as connection:
        return put_rules(Ledger(connection, farm.clock.now()), text, parse(text), who)


def told(farm: FarmInHand) -> list[str]:
    query = select(events.c.sentence).where(events.c.type == "rules.changed").order_by(events.c.seq)
    with farm.database.read() as connection:
        return list(connection.execute(query).scalars())


def test_a_farm_begins_without_any(farm: FarmInHand) -> None:
    with farm.database.read() as connection:
        assert read_rules(connection) == (0, no_rules())
        assert read_history(connection, None, 10).data == []
        assert most_waiting(connection, "anna") is None
        with pytest.raises(NotFound):
            revision(connection, 0)


def test_what_is_put_in_force_is_read_told_of_and_noticed(farm: FarmInHand) -> None:
    assert (put(farm, ONE), put(farm, TWO, "bob")) == (1, 2)
    with farm.database.read() as connection:
        assert read_rules(connection) == (2, parse(TWO))
        assert most_waiting(connection, "anna") == 5
        kept = newest(connection)
        assert (kept.text, kept.who, kept.at) == (TWO, "bob", farm.clock.now())
        found = connection.execute(select(touched.c.kind, touched.c.ref)).all()
    assert [row for row in found if row.kind == "rules"] == [("rules", "1"), ("rules", "2")]
    assert told(farm) == [
        "House rules changed by anna: owner anna is new.",
        "House rules changed by bob: owner anna: weight is 3 (was 2), max_waiting is 5 (was none).",
    ]


def test_the_same_again_changes_nothing(farm: FarmInHand) -> None:
    assert put(farm, ONE) == put(farm, ONE, "bob") == 1
    assert put(farm, ONE + "# why\n") == 2
    assert told(farm)[1:] == ["House rules changed by anna: only its wording."]


def test_old_revisions_stay(farm: FarmInHand) -> None:
    for text in (ONE, TWO, ONE):
        put(farm, text)
    with farm.database.read() as connection:
        assert revision(connection, 1).text == revision(connection, 3).text == ONE
        page = read_history(connection, None, 2)
        assert [one.revision for one in page.data] == [3, 2] and page.has_more
        assert (
            page.data[1].sentence == "owner anna: weight is 3 (was 2), max_waiting is 5 (was none)"
        )
        (last,) = read_history(connection, 2, 2).data
        assert (last.revision, last.who, last.sentence) == (1, "anna", "owner anna is new")
        with pytest.raises(NotFound):
            revision(connection, 4)


def test_nobody_overwrites_what_they_have_not_seen(farm: FarmInHand) -> None:
    def change(number: int) -> int:
        try:
            return put(farm, f"[owners.o{number}]\n")
        except Conflict:
            return 0

    with ThreadPoolExecutor(6) as pool:
        numbers = [one for one in pool.map(change, range(6)) if one]
    assert sorted(numbers) == list(range(1, len(numbers) + 1)) and numbers
    with farm.database.read() as connection:
        assert newest(connection).revision == len(numbers) == len(told(farm))


def test_what_a_later_version_wrote_stops_nobody_from_mending_it(farm: FarmInHand) -> None:
    with farm.database.write() as connection:
        values = {"revision": 1, "at": 1.0, "who": "tomorrow", "text": "colour = 1"}
        connection.execute(insert(rules).values(**values))
    with farm.database.read() as connection:
        with pytest.raises(InvalidInput):
            read_rules(connection)
        assert most_waiting(connection, "anna") is None
        said, unread = newest(connection).read()
    assert said == no_rules() and [problem.field for problem in unread] == ["colour"]
    assert put(farm, ONE) == 2
