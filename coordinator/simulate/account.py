"""What a play comes to, in figures. Pure."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from coordinator.simulate.bound import least_makespan
from coordinator.simulate.engine import Costs, Played
from coordinator.simulate.fairness import fairness
from coordinator.simulate.policy import Floats
from coordinator.simulate.result import Deciding, NeverRan, Result, Spread, TypeUse
from coordinator.simulate.runs import Outcome

_EXAMPLES = 5


def account(played: Played, policy: str, fleet: str) -> Result:
    """The figures; `policy` and `fleet` name what was played."""
    world, runs = played.world, played.runs
    outcome, end = np.array(runs.outcome), np.array(runs.end)
    done = outcome == Outcome.DONE
    task = np.array(runs.task)[done]
    first = world.tasks[0].at
    makespan = float(end.max(initial=first)) - first
    bound = least_makespan(world, played.truth, frozenset(played.left))
    flow = end[done] - np.array([one.at for one in world.tasks])[task]
    dated = [one for one in world.tasks if one.deadline is not None]
    return Result(
        policy=policy,
        fleet=fleet,
        devices=len(world.machines),
        tasks=len(world.tasks),
        tasks_done=int(done.sum()),
        makespan_seconds=round(makespan, 3),
        bound_seconds=None if bound.seconds is None else round(bound.seconds, 3),
        bound_because=bound.because,
        gap=round(makespan / bound.seconds - 1, 5) if bound.seconds else None,
        flow_seconds=_spread(flow),
        slowdown=_spread(flow / _fastest(played)[task]),
        runs=len(runs),
        failed_runs=int((outcome == Outcome.FAILED).sum()),
        stopped_runs=int((outcome == Outcome.STOPPED).sum()),
        loads=sum(runs.loads),
        loads_per_task=round(sum(runs.loads) / max(1, int(done.sum())), 4),
        tasks_with_deadline=len(dated),
        on_time_share=_on_time(played, dict(zip(task.tolist(), end[done].tolist(), strict=True))),
        types=_types(played, makespan),
        fairness=fairness(played),
        deciding=_deciding(played.costs),
        never_ran=_never_ran(played),
    )


def _fastest(played: Played) -> Floats:
    """Of every task, its real seconds on the type of the fleet that is quickest, model resident."""
    world = played.world
    here = sorted({machine.type for machine in world.machines})
    best = world.prices.seconds[:, here].min(1).tolist()
    return np.array([best[t.shape] * played.truth.factor(t.index) for t in world.tasks])


def _spread(values: Floats) -> Spread:
    if not len(values):
        return Spread(mean=0.0, p50=0.0, p95=0.0, p99=0.0)
    p50, p95, p99 = np.quantile(values, [0.5, 0.95, 0.99])
    figures = (float(values.mean()), float(p50), float(p95), float(p99))
    mean, p50, p95, p99 = (round(figure, 3) for figure in figures)
    return Spread(mean=mean, p50=p50, p95=p95, p99=p99)


def _on_time(played: Played, ended: dict[int, float]) -> float | None:
    """Of the tasks with a deadline; what never ran is late."""
    on_time = [
        ended.get(task.index, np.inf) <= task.deadline
        for task in played.world.tasks
        if task.deadline is not None
    ]
    return round(sum(on_time) / len(on_time), 6) if on_time else None


def _types(played: Played, makespan: float) -> list[TypeUse]:
    world, runs = played.world, played.runs
    count = len(world.types)
    kind, gang = np.array(runs.type, dtype=np.int64), np.diff(np.array(runs.first))
    loading = np.array(runs.load_seconds)
    # A run that is stopped or ends while it loads has not loaded for longer than it lasted.
    lasted = np.array(runs.end) - np.array(runs.start)
    loading = np.minimum(loading, lasted)
    by_type = [
        np.bincount(kind, weights=values * gang, minlength=count)
        for values in (lasted - loading, loading)
    ]
    loads = np.bincount(kind, weights=np.array(runs.loads), minlength=count)
    devices = np.bincount([m.type for m in world.machines], minlength=count)
    return [
        TypeUse(
            type=name,
            devices=int(devices[n]),
            busy_device_seconds=round(float(by_type[0][n]), 3),
            loading_device_seconds=round(float(by_type[1][n]), 3),
            idle_device_seconds=round(
                max(0.0, float(devices[n] * makespan - by_type[0][n] - by_type[1][n])), 3
            ),
            busy_share=round(float(by_type[0][n] / (devices[n] * makespan or 1.0)), 5),
            loads=int(loads[n]),
        )
        for n, name in enumerate(world.types)
        if devices[n]
    ]


def _deciding(costs: Costs) -> Deciding:
    wall = np.array(costs.wall) * 1e3
    p50, p99 = np.quantile(wall, [0.5, 0.99]) if len(wall) else (0.0, 0.0)
    return Deciding(
        decisions=len(wall),
        starts=costs.starts,
        stops=costs.stops,
        cpu_seconds=round(costs.cpu_seconds, 4),
        wall_seconds=round(float(wall.sum()) / 1e3, 4),
        wall_p50_ms=round(float(p50), 4),
        wall_p99_ms=round(float(p99), 4),
        wall_max_ms=round(float(wall.max(initial=0.0)), 4),
    )


def _never_ran(played: Played) -> list[NeverRan]:
    reasons: dict[str, list[str]] = defaultdict(list)
    for task, because in played.left.items():
        reasons[because].append(played.world.tasks[task].id)
    return [
        NeverRan(because=because, tasks=len(ids), examples=ids[:_EXAMPLES])
        for because, ids in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
