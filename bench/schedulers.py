"""The scheduler against plain queues and the lower bound, on invented traffic of several families.

    python -m bench.schedulers                       one line per family and policy, seeds 11 to 15
    python -m bench.schedulers online --seeds 11 12  some of it
    python -m bench.schedulers batch --noise 0.4     with log-normal errors of durations

Seeds 1 to 5 are for tuning; what is reported are others. CPU seconds are of this process.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.workloads import FAMILIES
from coordinator.simulate import plain
from coordinator.simulate.account import account
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.engine import play
from coordinator.simulate.fleet import parse_fleet
from coordinator.simulate.policy import World
from coordinator.simulate.result import Result
from coordinator.simulate.shapes import price_all
from coordinator.simulate.truth import Truth
from coordinator.simulate.workload import parse_workload
from reelyard.catalog import load_catalog
from reelyard.clock import SystemStopwatch

POLICIES = {"reelyard": CorePolicy, "fifo": plain.fifo, "fifo-affinity": plain.fifo_affinity}
SEEDS = (11, 12, 13, 14, 15)


@dataclass(frozen=True, slots=True)
class Figures:
    """One play. `bound`: makespan over the lower bound; `loading`: part of the device time."""

    bound: float
    slowdown: float
    p95_flow_seconds: float
    loading: float
    worst_lag: float
    jain: float
    cpu_seconds: float
    unserved: int

    @classmethod
    def of(cls, found: Result, cpu_seconds: float) -> Figures:
        """Of a result."""
        loading = sum(kind.loading_device_seconds for kind in found.types)
        fair = found.fairness
        return cls(
            1.0 + found.gap if found.gap is not None else float("nan"),
            found.slowdown.mean,
            found.flow_seconds.p95,
            loading / (found.devices * found.makespan_seconds),
            fair.worst_lag_device_seconds,
            fair.jain_mean if fair.jain_mean is not None else float("nan"),
            cpu_seconds,
            found.tasks - found.tasks_done,
        )


def world(family: str, seed: int) -> World:
    """The family's fleet and workload."""
    made, catalog = FAMILIES[family](seed), load_catalog(None)
    fleet = parse_fleet(made.fleet.encode(), catalog)
    work = parse_workload((line.encode() for line in made.lines), catalog)
    return World(
        tasks=work.tasks,
        machines=fleet.machines,
        types=tuple(kind.name for kind in fleet.kinds),
        prices=price_all(work.shapes, fleet.kinds, catalog),
        weights=fleet.weights,
        starts=fleet.starts,
    )


def one(family: str, policy: str, seed: int, noise: float) -> Figures:
    """One play."""
    stage, watch = world(family, seed), SystemStopwatch()
    began = watch.cpu()
    played = play(stage, POLICIES[policy](stage), Truth(len(stage.tasks), noise, 0.0, seed), watch)
    return Figures.of(account(played, policy, family), watch.cpu() - began)


def show(family: str, policy: str, plays: Sequence[Figures]) -> None:
    """Means, and the worst of the first two."""
    rows = np.array([[getattr(p, name) for name in Figures.__slots__] for p in plays])
    mean, worst = rows.mean(0), rows.max(0)
    print(
        f"{family:12} {policy:14} {mean[0]:7.3f} {worst[0]:7.3f} {mean[1]:9.2f} {worst[1]:9.2f} "
        f"{mean[2]:10.1f} {100 * mean[3]:7.2f} % {mean[4]:10.0f} {mean[5]:6.3f} {mean[6]:7.1f} "
        f"{int(rows[:, 7].sum()):8}",
        flush=True,
    )


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("families", nargs="*", help=f"of {', '.join(FAMILIES)}; all when none")
    asked.add_argument("--policies", nargs="+", choices=POLICIES, default=["reelyard", "fifo"])
    asked.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    asked.add_argument("--noise", type=float, default=0.0)
    given = asked.parse_args()
    print(
        f"{'family':12} {'policy':14} {'/bound':>7} {'worst':>7} {'slowdown':>9} {'worst':>9} "
        f"{'p95 flow s':>10} {'loading':>9} {'lag':>10} {'Jain':>6} {'CPU s':>7} {'unserved':>8}"
    )
    for family in given.families or FAMILIES:
        for policy in given.policies:
            plays = [one(family, policy, seed, given.noise) for seed in given.seeds]
            show(family, policy, plays)


if __name__ == "__main__":
    main()
