"""Laws of the yard, over invented days: devices that share memory, caps, limits, doors, storages,
gangs and work that makes way. Each day is played once; every law looks at all of them."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from coordinator.core.yard.because import waits_because
from coordinator.core.yard.forecast import Forecast
from coordinator.core.yard.house import House, OpenHouse
from coordinator.core.yard.lines import LineKey
from coordinator.core.yard.mix import work_of
from coordinator.core.yard.terms import Terms, Urgency
from coordinator.core.yard.wishes import Decision, Start, Stop
from coordinator.core.yard.yard import Yard
from tests.support.claims import untrue
from tests.support.told_yard import (
    CAPS,
    LIMITS,
    MODELS,
    Day,
    Estimates,
    Kind,
    Place,
    StrictHouse,
    Told,
    door,
    loads_at,
    some_estimates,
    some_places,
    some_tasks,
    with_gangs,
)

DAYS = range(36)
MINIMUM_RUN_SECONDS = 60.0
_MOST_MOMENTS = 2_000
_ROUNDING = 1e-6
Breaches = dict[str, list[str]]


def a_day(seed: int, told_every: float = 0.0, mixed: random.Random | None = None) -> Day:
    """Every second one has doors, every third gangs, every fourth queues short work ahead."""
    dice = random.Random(seed)
    places = some_places(dice, with_doors=seed % 2 == 1)
    tasks = some_tasks(dice, places)
    tasks = with_gangs(tasks) if seed % 3 == 2 else tasks
    estimates = some_estimates(dice)
    if mixed is not None:
        mixed.shuffle(places)
        places.sort(key=lambda place: place.kind.lane)  # who of two lanes is asked first is a rule
    ahead = 10.0 if seed % 4 == 3 else 0.0
    terms = Terms(ahead_seconds=ahead, minimum_run_seconds=MINIMUM_RUN_SECONDS)
    return Day(places, tasks, estimates, terms, told_every, mixed)


@cache
def breaches() -> Breaches:
    """What was seen on all days that should never be, by law."""
    found: Breaches = defaultdict(list)
    for seed in DAYS:
        for law, said in _seen(a_day(seed)):
            found[law].append(f"day {seed}: {said}")
    return found


def _seen(day: Day) -> Iterator[tuple[str, str]]:
    for moments, (now, decisions) in enumerate(day.moments()):
        for law, look in LAWS.items():
            yield from ((law, f"at {now:g} s {said}") for said in look(day, decisions))
        if moments > _MOST_MOMENTS:
            break
    for task in sorted(day.tasks.keys() - set(day.done)):
        yield "all ends", f"{task} never ran: {waits_because(day.yard, task, day.now)}"


def _twice(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for place, runs in day.of_place().items():
        if len(runs) > 1:
            yield f"{place} runs {[run.told.id for run in runs]}"


def _memory(day: Day, decisions: list[Decision]) -> Iterator[str]:
    used: dict[str, float] = defaultdict(float)
    for place, runs in day.of_place().items():
        used[day.places[place].pool] += max(run.gib for run in runs)
    for pool, gib in used.items():
        if pool and gib > day.room_gib:
            yield f"{pool} holds {gib} GiB"


def _able(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        for seat in start.seats:
            price = day.estimates.price(start.line.shape, day.places[str(seat)].kind)
            if not price.seconds < float("inf"):
                yield f"{start.task} was put on {seat}, which cannot run it"


def _gangs(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        places = {str(seat): day.places[str(seat)] for seat in start.seats}
        alike = {(place.kind, place.node) for place in places.values()}
        if len(places) != start.line.gang or len(alike) > 1:
            yield f"{start.task} wants {start.line.gang} and has {sorted(places)}"


def _doors(day: Day, decisions: list[Decision]) -> Iterator[str]:
    for start in _starts(decisions):
        until, is_open = door(day.places[str(start.seats[0])].kind, day.now)
        lasts = start.begins_in + start.load_seconds + start.seconds
        if not is_open:
            yield f"{start.task} begins behind a closed door"
        elif lasts > until + _ROUNDING and not start.line.can_checkpoint:
            yield f"{start.task} takes {lasts:g} s, the door closes in {until:g} s"


def _caps(day: Day, decisions: list[Decision]) -> Iterator[str]:
    running = Counter(run.told.line.owner for run in day.bound())
    for owner, most in CAPS.items():
        if running[owner] > most:
            yield f"{owner} runs {running[owner]}"


def _farm_limits(day: Day, decisions: list[Decision]) -> Iterator[str]:
    held = Counter(name for run in day.bound() for name in run.told.line.limits)
    yield from (f"{held[name]} hold {name}" for name in LIMITS if held[name] > LIMITS[name][0])


def _node_limits(day: Day, decisions: list[Decision]) -> Iterator[str]:
    held = Counter(
        (name, place.node)
        for run in day.bound()
        for name in run.told.line.limits
        for place in run.places
    )
    for (name, node), many in held.items():
        if many > LIMITS[name][1]:
            steps = [start.step for start in _starts(decisions) if name in start.line.limits]
            yield f"{many} hold {name} on {node}, by {steps}"


def _storages(day: Day, decisions: list[Decision]) -> Iterator[str]:
    """A gang that is larger than the limit has the storage to itself."""
    for storage, loads in loads_at(day).items():
        many = sum(loads)
        if many > day.loads_per_storage and len(loads) > 1:
            steps = [start.step for start in _starts(decisions) if start.load_seconds > 0]
            yield f"{many} load from {storage}, by {steps}"


def _reasons(day: Day, decisions: list[Decision]) -> Iterator[str]:
    yield from untrue(day)


def _stops(day: Day, decisions: list[Decision]) -> Iterator[str]:
    """Only batch work that can go on, after its minimum, for work asked for as interactive."""
    for stop in decisions:
        if not isinstance(stop, Stop):
            continue
        run = day.going[stop.task]
        line, ran = run.told.line, day.now - run.began
        if not door(run.places[0].kind, day.now)[1]:
            continue  # its device has closed
        if line.band != Urgency.BATCH or not line.can_checkpoint or ran < MINIMUM_RUN_SECONDS:
            yield f"{stop.task} was stopped: {line.band.name}, {line.can_checkpoint}, {ran:g} s"
        able = [task for task in _interactive(day) if _finite(day, task.line, run.places[0])]
        if not able:
            yield f"{stop.task} was stopped, and nothing interactive waits for its device"


def _interactive(day: Day) -> list[Told]:
    waiting = (day.tasks[task] for task in day.yard.lines.where)
    return [task for task in waiting if task.line.band == Urgency.INTERACTIVE]


def _finite(day: Day, line: LineKey, place: Place) -> bool:
    return day.estimates.price(line.shape, place.kind).seconds < float("inf")


def _starts(decisions: list[Decision]) -> list[Start]:
    return [decision for decision in decisions if isinstance(decision, Start)]


LAWS = {
    "no device twice": _twice,
    "memory that is shared": _memory,
    "only what it can run": _able,
    "gangs whole": _gangs,
    "doors": _doors,
    "caps": _caps,
    "limits of the farm": _farm_limits,
    "limits of a node": _node_limits,
    "storages": _storages,
    "who makes way": _stops,
    "reasons": _reasons,
}


@pytest.mark.parametrize("law", (*LAWS, "all ends"))
def test_on_all_days(law: str) -> None:
    found = breaches()[law]
    assert not found, f"{len(found)} times, first {found[0]}"


def _told(day: Day) -> list[tuple[float, list[tuple[str, tuple[Kind, ...]]]]]:
    """At each moment what starts on devices of which kind, and what stops."""
    found = []
    for now, decisions in day.moments():
        said = [
            (
                d.task,
                tuple(day.places[str(n)].kind for n in d.seats) if isinstance(d, Start) else (),
            )
            for d in decisions
        ]
        if said:
            found.append((round(now, 6), sorted(said, key=str)))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_the_same_history_gives_the_same_decisions(seed: int) -> None:
    assert _told(a_day(seed)) == _told(a_day(seed))


def test_moments_of_arrival_are_remembered_alike_in_any_order() -> None:
    """A farm that is read from the database is told of its tasks in the order of their ids."""
    moments = [float(n % 700) for n in range(0, 7_000, 7)]
    rising, falling = Forecast(Terms()), Forecast(Terms())
    for at in sorted(moments):
        rising.arrive(0, at)
    for at in sorted(moments, reverse=True):
        falling.arrive(0, at)
    since = (690.0, 650.0, 100.0)
    assert [rising.moments_since(at) for at in since] == [falling.moments_since(at) for at in since]


@pytest.mark.parametrize("order", [("warm", "cold"), ("cold", "warm")])
def test_a_single_large_task_is_put_where_its_model_is_whatever_the_order(
    order: tuple[str, ...],
) -> None:
    yard = a_yard(OpenHouse({}))
    for name in order:
        yard.put(name, FAST, "n1", held=("B",) if name == "warm" else ())
    yard.put("other", FAST, "n1")
    yard.wait("gang", LineKey("big", "anna", gang=2), 0.0)
    (start,) = _starts(yard.decide(0.0))
    assert "warm" in start.seats


def test_a_model_that_runs_somewhere_is_not_loaded_for_nothing_there() -> None:
    """Where one of its shapes cannot run there is no load to know; another's counts."""
    run = np.array([[10.0, 10.0], [10.0, np.inf]])
    load = np.array([[30.0, 40.0], [30.0, 0.0]])
    work = work_of(run, load, np.array([0, 0]), np.ones(2), np.ones(2))
    assert work.load.tolist() == [[30.0, 40.0]]


def test_nobody_makes_way_for_an_owner_who_may_not_have_more() -> None:
    yard = a_yard(StrictHouse())
    for n in range(3):
        yard.put(f"d{n}", FAST, "n1")
    for n in range(2):
        key = LineKey("a", "anna", Urgency.INTERACTIVE)
        yard.begin(f"anna{n}", key, [f"d{n}"], 0.0, 9_000.0)
    key = LineKey("b", "ben", Urgency.BATCH, can_checkpoint=True)
    yard.begin("ben", key, ["d2"], 0.0, 9_000.0)
    yard.wait("third", LineKey("a", "anna", Urgency.INTERACTIVE), 0.0)
    assert yard.decide(400.0) == []
    yard.wait("cleo", LineKey("a", "cleo", Urgency.INTERACTIVE), 0.0)
    assert [type(found) for found in yard.decide(400.0)] == [Stop]


def test_what_a_door_kept_from_starting_starts_when_it_opens() -> None:
    yard = a_yard(StrictHouse(), {"a": 250.0, "b": 250.0})
    yard.put("d0", Kind(1.0, door="500"), "n1")
    for n in range(2):
        yard.wait(f"t{n}", LineKey("a", "ben"), 0.0)
    assert [start.task for start in _starts(yard.decide(0.0))] == ["t0"]
    yard.end("t0", 270.0)
    assert _starts(yard.decide(270.0)) == []
    assert [start.task for start in _starts(yard.decide(1_000.0))] == ["t1"]


def test_what_is_in_the_list_of_a_closed_device_is_not_forgotten() -> None:
    day = a_day(489)
    for _ in zip(range(200), day.moments(), strict=False):
        pass
    assert sorted(day.done) == sorted(day.tasks)


def test_what_a_device_can_run_no_more_is_not_put_there_by_its_list() -> None:
    estimates = Estimates({"a": 50.0})
    yard = Yard(estimates, OpenHouse({}))
    yard.put("d0", FAST, "n1")
    for n in range(6):
        yard.wait(f"t{n}", LineKey("a", "anna"), 0.0)
    (first,) = _starts(yard.decide(0.0))
    estimates.barred.add(("a", FAST.speed))
    yard.prices.ask_again()
    yard.end(first.task, 70.0)
    assert _starts(yard.decide(70.0)) == []


def test_a_deadline_beside_what_nobody_can_run_is_no_trouble() -> None:
    yard = a_yard(OpenHouse({}))
    yard.put("d0", FAST, "n1")
    yard.wait("never", LineKey("plain", "anna"), 0.0)
    yard.wait("dated", LineKey("a", "anna", deadline=100.0), 0.0)
    assert [start.task for start in _starts(yard.decide(0.0))] == ["dated"]


def test_the_order_in_which_things_are_handed_in_changes_nothing() -> None:
    for seed in range(16):
        one, other = a_day(seed, 50.0), a_day(seed, 50.0, random.Random(seed + 1))
        assert _told(one) == _told(other), f"day {seed}"


FAST = Kind(1.0)


def a_yard(house: House, seconds: dict[str, float] | None = None) -> Yard:
    """One in which everything takes 50 s."""
    return Yard(Estimates(seconds or dict.fromkeys(MODELS, 50.0)), house)
