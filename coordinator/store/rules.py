"""The house rules as they were sent, revision after revision: none is ever changed or taken away.

Revision 0 is a farm that has none yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import Connection, RowMapping, insert, select
from sqlalchemy.exc import IntegrityError

from coordinator.store.ledger import Ledger
from coordinator.store.tables import events, rules
from coordinator.store.touched import touch
from coordinator.store.view_shapes import moment
from reelyard.errors import Conflict, InvalidInput, NotFound, Problem
from reelyard.rules.changes import changes_sentence
from reelyard.rules.document import Rules, no_rules
from reelyard.rules.parse import parse
from reelyard.rules.views import RevisionView, RulesHistory

CHANGED = "rules.changed"


@dataclass(frozen=True, slots=True)
class Kept:
    """A revision as it lies in the table. `at`: seconds since 1970, 0 for none."""

    revision: int = 0
    at: float = 0.0
    who: str = ""
    text: str = ""

    def read(self) -> tuple[Rules, tuple[Problem, ...]]:
        """What it says, and what of it cannot be read; then it says nothing."""
        try:
            return parse(self.text), ()
        except InvalidInput as wrong:
            return no_rules(), wrong.problems


def read_rules(connection: Connection) -> tuple[int, Rules]:
    """The newest revision and what it says. Raises InvalidInput where a later version of Reelyard
    has put in what this one cannot read: then whoever asks keeps to what it has."""
    kept = newest(connection)
    return kept.revision, _parsed(kept.text)


@lru_cache(maxsize=2)
def _parsed(text: str) -> Rules:
    """What is asked at every submission is read once."""
    return parse(text)


def most_waiting(connection: Connection, owner: str) -> int | None:
    """How many tasks of an owner may wait; None: any number. Rules that this version cannot read
    hold nobody up."""
    try:
        return read_rules(connection)[1].owner(owner).max_waiting
    except InvalidInput:
        return None


def newest(connection: Connection) -> Kept:
    """What is in force."""
    query = select(rules).order_by(rules.c.revision.desc()).limit(1)
    return _kept(connection.execute(query).mappings().one_or_none())


def revision(connection: Connection, number: int) -> Kept:
    """An older one. Raises NotFound."""
    query = select(rules).where(rules.c.revision == number)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound(f"There is no revision {number}.", "`reelyard rules history` lists them.")
    return _kept(row)


def put_rules(ledger: Ledger, text: str, after: Rules, who: str) -> int:
    """A new revision, an event that says what is different, and a note for the scheduler. `after`
    is what the text says. The same text again changes nothing. The revision that is in force now.

    Raises Conflict when somebody else was faster.
    """
    before = newest(ledger.connection)
    if before.revision and before.text == text:
        return before.revision
    number = before.revision + 1
    _insert(ledger, number, text, who)
    said = changes_sentence(before.read()[0], after)
    sentence = f"House rules changed by {who}: {said}."
    ledger.tell(CHANGED, sentence, who=who, revision=number, changes=said)
    touch(ledger.connection, "rules", str(number))
    return number


def read_history(connection: Connection, before: int | None, limit: int) -> RulesHistory:
    """Revisions below `before`, newest first, at most `limit`, with what each has changed."""
    query = select(rules.c.revision, rules.c.at, rules.c.who).order_by(rules.c.revision.desc())
    if before is not None:
        query = query.where(rules.c.revision < before)
    rows = connection.execute(query.limit(limit + 1)).mappings().all()
    said = _sentences(connection, rows[:limit])
    return RulesHistory(
        data=[
            RevisionView(
                revision=row["revision"],
                at=moment(row["at"]),
                who=row["who"],
                sentence=said.get(row["revision"], ""),
            )
            for row in rows[:limit]
        ],
        has_more=len(rows) > limit,
    )


def _insert(ledger: Ledger, number: int, text: str, who: str) -> None:
    """The number is ours or somebody else's: two that change the same revision do not both win."""
    values = {"revision": number, "at": ledger.now, "who": who, "text": text}
    try:
        with ledger.connection.begin_nested():
            ledger.connection.execute(insert(rules).values(**values))
    except IntegrityError:
        raise Conflict(
            "The rules were changed meanwhile.", "Read them again and repeat your change."
        ) from None


def _sentences(connection: Connection, rows: Sequence[RowMapping]) -> dict[int, str]:
    """What the events of these revisions say, by revision."""
    if not rows:
        return {}
    query = select(events.c.data).where(
        events.c.type == CHANGED, events.c.at.between(rows[-1]["at"], rows[0]["at"])
    )
    found = connection.execute(query).scalars()
    return {int(data.get("revision", 0)): str(data.get("changes", "")) for data in found}


def _kept(row: RowMapping | None) -> Kept:
    return Kept(row["revision"], row["at"], row["who"], row["text"]) if row else Kept()
