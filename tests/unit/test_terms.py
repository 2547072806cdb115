"""What may be asked of a job's times, place and urgency, and how it is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reelyard.errors import InvalidInput
from reelyard.settings import read_settings
from reelyard.stamps import rfc3339, span, stamp, stamp_near, until
from reelyard.states import Band
from reelyard.terms import (
    USUAL,
    Terms,
    change_problems,
    changes_sentence,
    phrases,
    problems_of,
)

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
HOUR, DAY = 3600.0, 86_400.0
PRESENT = {"deadline": NOW - DAY, "start_after": None, "priority": 50, "pools": [], "tags": []}


def test_what_is_usual_is_right_and_says_nothing() -> None:
    assert problems_of(USUAL, NOW) == [] and phrases(USUAL) == []


def test_what_was_asked_is_said() -> None:
    terms = Terms(Band.BATCH, NOW + DAY, NOW + HOUR, "look first", ("night", "lab"), ("big",))
    assert problems_of(terms, NOW) == []
    assert phrases(terms) == [
        "batch",
        "due by 2026-11-27 12:00 UTC",
        "not before 2026-11-26 13:00 UTC",
        "only in night or lab",
        "only where tagged big",
        "held: look first",
    ]
    assert phrases(Terms(hold="")) == ["held"]


@pytest.mark.parametrize(
    ("terms", "field", "said"),
    [
        (Terms(deadline=NOW), "deadline", "is over"),
        (Terms(deadline=NOW - DAY), "deadline", "2026-11-25 12:00 UTC"),
        (Terms(start_after=NOW - 1), "start_after", "Leave it out"),
        (Terms(start_after=NOW + 400 * DAY), "start_after", "366 days"),
        (Terms(deadline=NOW + HOUR, start_after=NOW + HOUR), "start_after", "before 2026-11-26"),
        (Terms(hold="x" * 201), "hold", "200 printable"),
        (Terms(hold="one\ntwo"), "hold", "on one line"),
        (Terms(pools=("night shift",)), "pools[0]", "night shift"),
        (Terms(tags=("ok", "")), "tags[1]", "is not a name"),
        (Terms(tags=tuple(f"t{n}" for n in range(21))), "tags", "at most 20"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(terms: Terms, field: str, said: str) -> None:
    (problem,) = problems_of(terms, NOW)
    assert problem.field == field and problem.remedy
    assert said in problem.sentence()


def test_every_problem_at_once() -> None:
    terms = Terms(deadline=NOW - 1, start_after=NOW + DAY, pools=("a b",))
    assert [p.field for p in problems_of(terms, NOW)] == ["deadline", "start_after", "pools[0]"]


def test_a_change_is_held_to_what_it_changes_only() -> None:
    assert change_problems({"priority": 80}, PRESENT, NOW) == []
    assert change_problems({"deadline": PRESENT["deadline"]}, PRESENT, NOW) == []
    assert change_problems({"deadline": None}, PRESENT, NOW) == []
    (late,) = change_problems({"deadline": NOW - HOUR}, PRESENT, NOW)
    assert late.field == "deadline"
    due = {**PRESENT, "deadline": NOW + HOUR}
    (crossed,) = change_problems({"start_after": NOW + DAY}, due, NOW)
    assert crossed.field == "start_after" and "before" in crossed.limit


def test_a_change_is_told_with_what_was() -> None:
    was = {"priority": 50, "deadline": None, "pools": []}
    news = {"priority": 80, "deadline": NOW, "pools": ["night", "lab"]}
    assert changes_sentence(was, news) == (
        "priority 80 (was 50), deadline 2026-11-26 12:00 UTC (was none), pools night lab (was any)"
    )


def test_moments_and_spans() -> None:
    assert stamp(NOW) == "2026-11-26 12:00 UTC"
    assert stamp_near(NOW + HOUR, NOW) == "13:00 UTC"
    assert stamp_near(NOW + DAY, NOW) == "2026-11-27 12:00 UTC"
    assert rfc3339(NOW) == "2026-11-26T12:00:00Z"
    assert rfc3339(NOW + 0.25) == "2026-11-26T12:00:00.250000Z"
    assert until(2.1 * HOUR) == "in 3 h"
    spans = [span(s) for s in (0.2, 119.0, 120.0, 119 * 60.0, 47 * HOUR, 49 * HOUR)]
    assert spans == ["1 s", "119 s", "2 min", "119 min", "47 h", "3 d"]


def test_a_worker_says_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELYARD_TAGS", "night, big-disk,")
    monkeypatch.setenv("REELYARD_STORAGE", "nas-1")
    settings = read_settings()
    assert (settings.tags, settings.storage) == (("night", "big-disk"), "nas-1")
    monkeypatch.setenv("REELYARD_TAGS", "night shift")
    monkeypatch.setenv("REELYARD_STORAGE", "a/b")
    with pytest.raises(InvalidInput) as refused:
        read_settings()
    assert {p.field for p in refused.value.problems} == {"REELYARD_TAGS", "REELYARD_STORAGE"}
    assert "night shift is not a name" in str(refused.value)
