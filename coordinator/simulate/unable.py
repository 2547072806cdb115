"""Why a task can never run on a fleet, whatever a policy does. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from coordinator.simulate.policy import Machine, Task, World

NETWORK = ("network", "")


def circle(machine: Machine) -> tuple[str, str]:
    """What a machine shares with those that it can work with as one: its node, or the network."""
    return NETWORK if machine.link == "ethernet" else ("node", machine.node)


def mates(machines: Iterable[Machine]) -> dict[tuple[int, tuple[str, str]], int]:
    """How many machines of a type can work as one, by type and circle."""
    return Counter((machine.type, circle(machine)) for machine in machines)


def unable(world: World, task: Task) -> str | None:
    """A sentence with numbers; None when some device, or enough of them together, could run it."""
    seconds = world.prices.seconds[task.shape]
    here = {machine.type for machine in world.machines}
    able = {kind for kind in here if math.isfinite(seconds[kind])}
    if not able:
        return f"no device of the fleet can run it: {_shortfall(world, task, here)}"
    most = max(many for (kind, _), many in mates(world.machines).items() if kind in able)
    if most < task.gang:
        return f"wants {task.gang} devices of one type that are joined; there are at most {most}"
    return None


def _shortfall(world: World, task: Task, here: set[int]) -> str:
    needs = world.prices.gib[task.shape]
    room = {machine.type: machine.memory_gib for machine in world.machines}
    short = [kind for kind in here if needs[kind] > room[kind]]
    if not short:
        return f"nothing is known of {task.model or task.kind} on {_names(world, here)}"
    least = min(short, key=lambda kind: float(needs[kind]))
    largest = max(short, key=lambda kind: room[kind])
    return (
        f"needs {needs[least]:.1f} GiB on one device; the largest has {room[largest]:.1f} "
        f"({world.types[largest]})"
    )


def _names(world: World, kinds: set[int]) -> str:
    named = [world.types[kind] for kind in sorted(kinds)]
    return ", ".join(named[:5]) + (" and others" if len(named) > 5 else "")
