"""What would hold a deadline: the first that does, and it really does when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from coordinator.core.remedies import jumped, with_more
from coordinator.core.risk import Due as DueJob
from coordinator.core.risk import Risk, outlook
from coordinator.core.snapshot import Device
from coordinator.core.unfolded import course_of
from reelyard.risk_views import Verdict
from tests.support.core_values import FORESIGHT, LARGE, SMALL, device, shot, waiting
from tests.support.due_farms import NOW, Film, a_film, look, risk, seconds, snapshot

CARD = device("w", id="cuda:0", resident=frozenset({SMALL}))
HALL = (CARD, device("w"))
FILM_SECONDS = 15.0
RUN, LOAD = seconds(waiting(shot(SMALL, 33)), CARD)


def applied(found: Risk, films: Sequence[Film], devices: Sequence[Device]) -> Risk:
    """The farm looked at again, with the remedy done."""
    remedy, job = found.remedy, found.due.job_id
    assert remedy is not None
    needs = {id: before for one in films for id, before in one.needs.items()}
    course = course_of(snapshot(films, devices), needs)
    if remedy.kind == "jump":
        course = jumped(course, job)
    else:
        like = next(one for one in devices if one.catalog_type == remedy.device)
        course = with_more(course, like, remedy.count)
    due = DueJob(job, job, "anna", found.due.deadline)
    (again,) = outlook(course.farm, course.needs, [due], FORESIGHT).risks
    return again


def test_to_the_front_when_that_is_enough() -> None:
    films = [a_film("job-a", shots=9), a_film("job-b", queued_at=1.0)]
    due = 4 * RUN + FILM_SECONDS
    found = risk(films, HALL, {"job-b": due})
    assert found.verdict is Verdict.LATE and found.remedy is not None
    assert found.remedy.kind == "jump" and found.remedy.command == "reelyard jump job-b"
    assert found.remedy.sentence == "moved to the front it would be held"
    again = applied(found, films, HALL)
    assert again.verdict is not Verdict.LATE
    assert again.ends is not None and again.ends.likely == pytest.approx(found.remedy.ends)


def test_to_the_front_says_whom_it_makes_late() -> None:
    films = [a_film("job-a", queued_at=0.0), a_film("job-b", queued_at=1.0)]
    first, second = 3 * RUN + FILM_SECONDS + 5, 4 * RUN + FILM_SECONDS
    found = look(films, HALL, {"job-a": first, "job-b": second})
    a, b = found.risks
    assert a.verdict is Verdict.TIGHT and b.verdict is Verdict.LATE
    assert b.remedy is not None and b.remedy.kind == "jump"
    assert b.remedy.sentence.endswith(", but then job-a would miss a deadline")


def test_one_more_card_when_the_front_is_not_enough() -> None:
    films = [a_film("job-a", shots=6)]
    found = risk(films, HALL, {"job-a": LOAD + 4 * RUN + FILM_SECONDS})
    assert found.remedy is not None and found.remedy.kind == "devices"
    assert (found.remedy.device, found.remedy.count, found.remedy.memory_gib) == ("rtx-4090", 1, 24)
    assert found.remedy.sentence == "one more 24 GiB card (rtx-4090) would hold it"
    again = applied(found, films, HALL)
    assert again.verdict is not Verdict.LATE
    assert again.ends is not None and again.ends.likely == pytest.approx(found.remedy.ends)


def test_two_more_when_one_is_not_enough() -> None:
    films = [a_film("job-a", shots=9)]
    found = risk(films, HALL, {"job-a": LOAD + 3 * RUN + FILM_SECONDS + 1})
    assert found.remedy is not None and found.remedy.count == 2
    assert found.remedy.sentence.startswith("two more 24 GiB cards (rtx-4090) would hold it")
    assert applied(found, films, HALL).verdict is not Verdict.LATE


def test_how_many_it_would_take_and_not_one_less() -> None:
    films = [a_film("job-a", shots=12)]
    found = risk(films, HALL, {"job-a": LOAD + 2 * RUN + FILM_SECONDS + 1})
    assert found.remedy is not None and found.remedy.kind == "none"
    count = found.remedy.count
    said = f"no remedy found: it would take {count} more 24 GiB cards (rtx-4090)"
    assert found.remedy.sentence == said
    assert applied(found, films, HALL).verdict is not Verdict.LATE
    less = replace(found, remedy=replace(found.remedy, count=count - 1))
    assert applied(less, films, HALL).verdict is Verdict.LATE


def test_nobody_can_hold_what_is_too_long_by_itself() -> None:
    mine = a_film("job-a")
    chain = {b.id: (a.id,) for a, b in zip(mine.tasks, mine.tasks[1:-1], strict=False)}
    films = [a_film("job-0", shots=5), Film(mine.tasks, mine.needs | chain)]
    found = risk(films, HALL, {"job-a": 2 * RUN})
    assert found.remedy is not None and found.remedy.kind == "none"
    assert found.remedy.sentence == "nobody can hold it, even alone on the farm"
    assert found.remedy.ends == pytest.approx(NOW + 3 * RUN + FILM_SECONDS)


def test_the_smallest_type_that_can_run_what_is_late_is_named() -> None:
    large = device("v", id="cuda:0", type="h100-sxm", name="h100-sxm", memory_gib=80.0)
    tasks = [
        waiting(shot(LARGE, 81), f"job-a.s{n:02d}.video1", label=f"Scene {n}", scene=n)
        for n in range(4)
    ]
    tight = replace(CARD, memory_gib=8.0, ram_gib=8.0)
    one, load = seconds(tasks[0], large)
    found = risk([Film(tuple(tasks), {})], (tight, large, device("w")), {"job-a": load + 3 * one})
    assert found.remedy is not None and found.remedy.device == "h100-sxm"
    assert "80 GiB card (h100-sxm)" in found.remedy.sentence


def test_what_is_too_much_to_try_says_so() -> None:
    films = [a_film(f"job-{n}", shots=6, queued_at=float(n)) for n in range(6)]
    due = {"job-4": 3 * RUN, "job-5": 3 * RUN}
    found = look(films, HALL, due, most_played=60, least_tried=3)
    remedy = found.risks[0].remedy
    assert remedy is not None and remedy.kind == "untried"
    assert remedy.command == "reelyard risk job-4" and "ask for job-4 alone" in remedy.sentence
    only = risk(films, HALL, {"job-5": 3 * RUN}, most_played=60, least_tried=3).remedy
    assert only is not None and only.kind == "untried" and not only.command


def test_what_is_too_much_to_try_for_one_job_is_tried_by_volume() -> None:
    films = [a_film(f"job-{n}", shots=6, queued_at=float(n)) for n in range(6)]
    due = {"job-5": 10 * RUN}
    rough = risk(films, HALL, due, most_played=43, least_tried=3).remedy
    played = risk(films, HALL, due).remedy
    assert rough is not None and played is not None
    assert rough.kind == played.kind == "jump" and rough.command == played.command
    assert rough.sentence.endswith("; estimated by volume") and rough.ends is None


def test_more_devices_by_volume() -> None:
    films = [a_film("job-0", shots=40)]
    due = {"job-0": LOAD + 22 * RUN + FILM_SECONDS}
    rough = risk(films, HALL, due, most_played=42, least_tried=3).remedy
    played = risk(films, HALL, due).remedy
    assert rough is not None and played is not None
    assert "estimated by volume" in rough.sentence
    assert (rough.kind, rough.count) == (played.kind, played.count) == ("devices", 1)
