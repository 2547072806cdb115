"""Small farms and traffic for laws of the scheduler, drawn by hypothesis; who can run there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from coordinator.simulate.policy import Machine, OpeningHours, Task, World
from reelyard.rules.opening import read_hours
from tests.support.plays import INF, a_task, a_world

MONDAY = 1_767_571_200.0
_SECONDS = (3.0, 20.0, 90.0, 400.0, INF)
_HOURS = (None, None, None, "Mon-Sun 00:00-00:30", "Mon-Fri 19:00-07:00; Sat, Sun")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is the same for all tasks of a shape: its model, and how many devices it needs."""

    model: str
    gang: int


@st.composite
def small_farms(draw: st.DrawFn, with_hours: bool = True) -> World:
    """One to six machines of up to three types, up to twenty-four tasks of up to four shapes."""
    types = draw(st.integers(1, 3))
    machines = draw(st.lists(_machines(types, with_hours), min_size=1, max_size=6))
    machines = [replace(machine, index=n) for n, machine in enumerate(machines)]
    drawn = st.builds(Drawn, st.sampled_from(("", "a", "b", "c")), _gangs())
    shapes = draw(st.lists(drawn, min_size=1, max_size=4))
    row = st.lists(st.sampled_from(_SECONDS), min_size=types, max_size=types)
    seconds = [draw(row) for _ in shapes]
    load = [[draw(st.sampled_from((0.0, 5.0, 30.0)))] * types for _ in shapes]
    tasks = draw(st.lists(_tasks(len(shapes)), min_size=1, max_size=24))
    tasks = [
        task._replace(
            index=n,
            id=str(n + 1),
            model=shapes[task.shape].model,
            gang=shapes[task.shape].gang,
        )
        for n, task in enumerate(sorted(tasks, key=lambda task: task.at))
    ]
    world = a_world(tasks, machines, seconds, load, weights={"ben": 2.0})
    prices = replace(world.prices, model=tuple(shape.model for shape in shapes))
    return replace(world, prices=prices, starts=MONDAY)


def can_run(task: Task, world: World) -> bool:
    """Whether the farm could ever run it: enough joined devices of one type that are open for long
    enough at once."""
    return any(
        sum(_joined(one, other) and _fits(task, other, world) for other in world.machines)
        >= task.gang
        for one in world.machines
    )


def _joined(one: Machine, other: Machine) -> bool:
    both = one.link == "ethernet" and other.link == "ethernet"
    return one.type == other.type and (both or one.node == other.node)


def _fits(task: Task, machine: Machine, world: World) -> bool:
    seconds = world.prices.seconds[task.shape, machine.type]
    load = world.prices.load_seconds[task.shape, machine.type]
    is_short = seconds + load <= _longest(machine.hours)
    return bool(is_short or (seconds < INF and task.can_checkpoint))


def _longest(hours: OpeningHours | None) -> float:
    """Seconds of the shortest opening of the next week: what fits into that fits into all."""
    if hours is None:
        return 1e8
    at, longest = MONDAY, 0.0
    while at < MONDAY + 7 * 86_400:
        opens = hours.opens(at)
        at = hours.closes(opens)
        longest = max(longest, at - opens)
    return longest


def _machines(types: int, with_hours: bool) -> st.SearchStrategy[Machine]:
    hours = st.sampled_from(_HOURS if with_hours else (None,)).map(
        lambda text: read_hours(text) if text else None
    )
    return st.builds(
        Machine,
        index=st.just(0),
        type=st.integers(0, types - 1),
        node=st.sampled_from(("n1", "n2")),
        memory_gib=st.just(24.0),
        link=st.sampled_from(("pcie", "ethernet")),
        hours=hours,
    )


def _gangs() -> st.SearchStrategy[int]:
    return st.sampled_from((1, 1, 1, 2, 3))


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
