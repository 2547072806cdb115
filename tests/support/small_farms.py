"""Small farms and traffic for laws of the scheduler, drawn by hypothesis; who can run there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from coordinator.core.yard.terms import Terms
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.policy import Machine, OpeningHours, Prices, Start, Stop, Task, World
from reelyard.rules.hours import Hours
from reelyard.rules.opening import read_hours
from tests.support.plays import INF, a_task, a_world

MONDAY = 1_767_571_200.0
WEEK_SECONDS = 7 * 86_400.0
_SECONDS = (3.0, 20.0, 90.0, 400.0, INF)
_HOURS = ("", "", "", "Mon-Sun 00:00-00:30", "Mon-Fri 19:00-07:00; Sat, Sun")


LAW = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
"""The same farms every time, and enough of them."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is the same for all tasks of a shape: its model, and how many devices it needs."""

    model: str
    gang: int


@st.composite
def small_farms(
    draw: st.DrawFn, with_hours: bool = True, gangs: tuple[int, ...] = (1, 1, 1, 2, 3)
) -> World:
    """One to six machines of up to three types, up to twenty-four tasks of up to four shapes, all
    of which could run."""
    types = draw(st.integers(1, 3))
    machines = draw(st.lists(_machines(types, with_hours), min_size=1, max_size=6))
    machines = [replace(machine, index=n) for n, machine in enumerate(machines)]
    drawn = st.builds(Drawn, st.sampled_from(("", "a", "b", "c")), st.sampled_from(gangs))
    shapes = draw(st.lists(drawn, min_size=1, max_size=4))
    row = st.lists(st.sampled_from(_SECONDS), min_size=types, max_size=types)
    seconds = [draw(row) for _ in shapes]
    loads = {model: draw(st.sampled_from((0.0, 5.0, 30.0))) for model in "abc"}
    load = [[loads.get(shape.model, 0.0)] * types for shape in shapes]
    tasks = draw(st.lists(_tasks(len(shapes)), min_size=1, max_size=24))
    tasks = [
        task._replace(model=shapes[task.shape].model, gang=shapes[task.shape].gang)
        for task in tasks
    ]
    world = a_world([], machines, seconds, load, weights={"ben": 2.0})
    prices = replace(world.prices, model=tuple(shape.model for shape in shapes))
    world = replace(world, prices=prices, starts=MONDAY)
    able = [task for task in tasks if can_run(task, world)]
    assume(able)
    return with_tasks(world, able)


@st.composite
def pressed_farms(draw: st.DrawFn) -> World:
    """One to four machines full of long batch work, and interactive tasks that come later."""
    types = draw(st.integers(1, 2))
    kinds = draw(st.lists(st.integers(0, types - 1), min_size=1, max_size=4))
    machines = [Machine(n, kind, "n1", 24.0) for n, kind in enumerate(kinds)]
    of_shape = ((400.0, 2_000.0), (20.0, 90.0, INF), (40.0, 400.0))
    seconds = [[draw(st.sampled_from(some)) for _ in range(types)] for some in of_shape]
    load = [[draw(st.sampled_from((0.0, 5.0, 30.0)))] * types] * len(of_shape)
    models = [draw(st.sampled_from(("", "a", "b"))) for _ in of_shape]
    drawn = [
        st.lists(_pressing(band, shape, models[shape]), min_size=least, max_size=6)
        for shape, (band, least) in enumerate(
            (("batch", len(machines)), ("interactive", 1), ("normal", 0))
        )
    ]
    tasks = [task for some in drawn for task in draw(some)]
    world = replace(a_world(tasks, machines, seconds, load), starts=MONDAY)
    world = replace(world, prices=replace(world.prices, model=tuple(models)))
    able = [task for task in tasks if can_run(task, world)]
    assume(any(task.band == "interactive" for task in able))
    return with_tasks(world, able)


def _pressing(band: str, shape: int, model: str) -> st.SearchStrategy[Task]:
    moments = (0.0, 0.0, 1.0) if band == "batch" else (100.0, 50.0, 1.0, 299.0, 301.0, 700.0)
    return st.builds(
        a_task,
        st.just(0),
        at=st.sampled_from(moments),
        owner=st.sampled_from(("anna", "ben")),
        can_checkpoint=st.sampled_from((True, True, False)),
        band=st.just(band),
        shape=st.just(shape),
        model=st.just(model),
    )


def with_tasks(world: World, tasks: Sequence[Task]) -> World:
    """The same farm with these tasks, numbered in the order in which they come."""
    ordered = sorted(tasks, key=lambda task: task.at)
    numbered = [task._replace(index=n, id=str(n + 1)) for n, task in enumerate(ordered)]
    return replace(world, tasks=numbered)


def with_machines(world: World, machines: Sequence[Machine]) -> World:
    """The same traffic on these machines, numbered as they stand."""
    numbered = [replace(machine, index=n) for n, machine in enumerate(machines)]
    return replace(world, machines=tuple(numbered))


def a_shape(
    world_prices: Prices, task: Task, machine: Machine, is_warm: bool = False
) -> tuple[float, float]:
    """Seconds to load and to run the task on the machine."""
    load = 0.0 if is_warm else float(world_prices.load_seconds[task.shape, machine.type])
    return load, float(world_prices.seconds[task.shape, machine.type])


def can_run(task: Task, world: World) -> bool:
    """Whether the farm could ever run it: enough joined devices that are alike and open for long
    enough at once."""
    return any(
        sum(_joined(one, other) and _fits(task, other, world) for other in world.machines)
        >= task.gang
        for one in world.machines
    )


def _joined(one: Machine, other: Machine) -> bool:
    both = one.link == "ethernet" and other.link == "ethernet"
    neither = one.link != "ethernet" and other.link != "ethernet"
    is_alike = (one.type, one.hours) == (other.type, other.hours)
    return is_alike and (both or (neither and one.node == other.node))


def _fits(task: Task, machine: Machine, world: World) -> bool:
    load, seconds = a_shape(world.prices, task, machine)
    is_short = seconds + load <= _longest(machine.hours)
    can_be_cut = task.can_checkpoint and task.gang == 1
    return bool(is_short or (seconds < INF and can_be_cut))


def _longest(hours: OpeningHours | None) -> float:
    """Seconds of the longest opening of a week."""
    if hours is None:
        return 1e8
    at, longest = MONDAY, 0.0
    while at < MONDAY + WEEK_SECONDS:
        opens = hours.opens(at)
        at = hours.closes(opens)
        longest = max(longest, at - opens)
    return longest


@cache
def _hours(text: str) -> Hours | None:
    """The same object for the same text, as a fleet's file has it."""
    return read_hours(text) if text else None


def _machines(types: int, with_hours: bool) -> st.SearchStrategy[Machine]:
    return st.builds(
        Machine,
        index=st.just(0),
        type=st.integers(0, types - 1),
        node=st.sampled_from(("n1", "n2")),
        memory_gib=st.just(24.0),
        link=st.sampled_from(("pcie", "ethernet")),
        hours=st.sampled_from(_HOURS if with_hours else ("",)).map(_hours),
    )


def _tasks(shapes: int) -> st.SearchStrategy[Task]:
    return st.builds(
        a_task,
        st.just(0),
        at=st.sampled_from((0.0, 0.0, 1.0, 60.0, 700.0)),
        shape=st.integers(0, shapes - 1),
        owner=st.sampled_from(("anna", "ben", "cleo")),
        band=st.sampled_from(("normal", "normal", "interactive", "batch")),
        priority=st.sampled_from((50, 50, 10, 90)),
        deadline=st.sampled_from((None, None, None, 100.0, 2_000.0)),
        can_checkpoint=st.booleans(),
    )


class Watched:
    """The farm's own scheduler with somebody who looks after every decision; it is asked at least
    `every` so many seconds, as a living farm's is."""

    def __init__(
        self,
        world: World,
        look: Callable[[CorePolicy, float], None] | None = None,
        terms: Terms | None = None,
        every: float = inf,
    ) -> None:
        self.core, self._look, self._every = CorePolicy(world, terms), look, every
        self.arrive, self.end, self.why = self.core.arrive, self.core.end, self.core.why
        self.stops: list[tuple[float, int]] = []

    def decide(self, now: float) -> Sequence[Start | Stop]:
        """What the core says."""
        found = self.core.decide(now)
        self.stops += [(now, wish.task) for wish in found if isinstance(wish, Stop)]
        if self._look is not None:
            self._look(self.core, now)
        return found

    def wake(self, now: float) -> float | None:
        """When the core wants to be asked, or sooner."""
        asks = self.core.wake(now)
        waits = self.core.yard.lines.total() > 0 and self._every < inf
        moments = [asks, now + self._every if waits else None]
        return min((moment for moment in moments if moment is not None), default=None)
