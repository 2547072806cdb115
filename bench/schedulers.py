"""The scheduler against plain queues and the lower bound, on invented traffic of several families.

    python -m bench.schedulers                       every family, seeds 11 to 15, with its floors
    python -m bench.schedulers online --seeds 11 12  some of it
    python -m bench.schedulers batch --noise 0.4     with log-normal errors of durations
    python -m bench.schedulers --keep                also writes the figures to bench/schedules/

Seeds 1 to 5 are for tuning; what is reported are others. CPU seconds are of the whole simulation:
engine, scheduler and all. `late` is the worst of all owners but the flooding one, in seconds
(`simulate.fairness.lateness`); its limit is two median loads and one median run of the play.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from bench.workloads import FAMILIES
from coordinator.simulate import plain
from coordinator.simulate.account import account
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.engine import Played, play
from coordinator.simulate.fairness import lateness
from coordinator.simulate.fleet import parse_fleet
from coordinator.simulate.policy import World
from coordinator.simulate.shapes import price_all
from coordinator.simulate.truth import Truth
from coordinator.simulate.workload import parse_workload
from reelyard.catalog import load_catalog
from reelyard.clock import SystemStopwatch

POLICIES = {"reelyard": CorePolicy, "fifo": plain.fifo, "fifo-affinity": plain.fifo_affinity}
SEEDS = (11, 12, 13, 14, 15)
USUAL_NOISE = {"residency": 0.43}
"""What the family is played with where nothing is said: the spread of the trace that it is of."""
KEPT = Path(__file__).parent / "schedules"
_FLOOD = "flood"


@dataclass(frozen=True, slots=True)
class Figures:
    """One play. `bound`: makespan over the lower bound; `loading`: part of the device time."""

    bound: float
    slowdown: float
    p95_flow_seconds: float
    loading: float
    late_seconds: float
    late_limit_seconds: float
    jain: float
    cpu_seconds: float
    unserved: int

    @classmethod
    def of(cls, played: Played, cpu_seconds: float) -> Figures:
        """Of a play."""
        found = account(played, "", "")
        loading = sum(kind.loading_device_seconds for kind in found.types)
        late = [seconds for owner, seconds in lateness(played).items() if owner != _FLOOD]
        jain = found.fairness.jain_mean
        return cls(
            1.0 + found.gap if found.gap is not None else float("nan"),
            found.slowdown.mean,
            found.flow_seconds.p95,
            loading / (found.devices * found.makespan_seconds),
            max(late),
            _late_limit(played),
            jain if jain is not None else float("nan"),
            cpu_seconds,
            found.tasks - found.tasks_done,
        )


@dataclass(frozen=True, slots=True)
class Floor:
    """What a family has to hold: `limit` for the mean (or the worst) of a figure; `of_fifo`: the
    limit is this part of FIFO's figure in the same run."""

    family: str
    figure: str
    limit: float
    is_worst: bool = False
    of_fifo: bool = False
    is_least: bool = False


FLOORS = (
    Floor("batch", "bound", 1.05),
    Floor("batch", "bound", 1.12, is_worst=True),
    Floor("batch_large", "bound", 1.03),
    Floor("batch_large", "cpu_seconds", 60.0),
    Floor("online", "slowdown", 7.0),
    Floor("online", "slowdown", 1 / 40, of_fifo=True),
    Floor("residency", "loading", 0.10),
    Floor("residency", "p95_flow_seconds", 1 / 6, of_fifo=True),
    Floor("fairness", "late_part", 1.0),
    Floor("shared", "jain", 0.95, is_least=True),
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
    return Figures.of(played, watch.cpu() - began)


def column(plays: Sequence[Figures], figure: str) -> np.ndarray:
    """One figure of several plays. `late_part`: lateness over its limit."""
    if figure == "late_part":
        return np.array([one.late_seconds / one.late_limit_seconds for one in plays])
    return np.array([getattr(one, figure) for one in plays])


def show(family: str, policy: str, plays: Sequence[Figures]) -> None:
    """Means, and the worst of some."""
    mean = {field.name: float(column(plays, field.name).mean()) for field in fields(Figures)}
    late = column(plays, "late_part").max() if family == "fairness" else float("nan")
    print(
        f"{family:12} {policy:14} {mean['bound']:7.3f} {column(plays, 'bound').max():7.3f} "
        f"{mean['slowdown']:9.2f} {column(plays, 'slowdown').max():9.2f} "
        f"{mean['p95_flow_seconds']:10.1f} {100 * mean['loading']:7.2f} % "
        f"{mean['late_seconds']:8.1f} {late:6.2f} {mean['jain']:6.3f} {mean['cpu_seconds']:7.1f} "
        f"{int(column(plays, 'unserved').sum()):8}",
        flush=True,
    )


def judge(found: dict[str, dict[str, list[Figures]]]) -> Iterator[str]:
    """Every floor of the families that were played, with what was measured."""
    for floor in FLOORS:
        plays = found.get(floor.family, {})
        if "reelyard" not in plays or (floor.of_fifo and "fifo" not in plays):
            continue
        own = column(plays["reelyard"], floor.figure)
        value = float(own.max() if floor.is_worst else own.mean())
        if floor.of_fifo:
            value /= float(column(plays["fifo"], floor.figure).mean())
        holds = value >= floor.limit if floor.is_least else value <= floor.limit
        what = f"{floor.figure}{' / FIFO' if floor.of_fifo else ''}"
        kind = "worst" if floor.is_worst else "mean"
        sign = ">=" if floor.is_least else "<="
        said = "holds" if holds else "FAILS"
        yield f"{said}  {floor.family:12} {kind:5} {what:24} {value:9.4f} {sign} {floor.limit:.4f}"


def keep(family: str, noise: float, seeds: Sequence[int], plays: dict[str, list[Figures]]) -> None:
    """The figures of a family, as data."""
    told = {
        "family": family,
        "noise": noise,
        "seeds": list(seeds),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        "policies": {name: [asdict(one) for one in figures] for name, figures in plays.items()},
    }
    file = KEPT / f"{family}-noise-{noise:g}.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("families", nargs="*", help=f"of {', '.join(FAMILIES)}; all when none")
    asked.add_argument("--policies", nargs="+", choices=POLICIES, default=["reelyard", "fifo"])
    asked.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    asked.add_argument("--noise", type=float, help="coefficient of variation of run times")
    asked.add_argument("--keep", action="store_true")
    given = asked.parse_args()
    print(
        f"{'family':12} {'policy':14} {'/bound':>7} {'worst':>7} {'slowdown':>9} {'worst':>9} "
        f"{'p95 flow s':>10} {'loading':>9} {'late s':>8} {'/limit':>6} {'Jain':>6} {'CPU s':>7} "
        f"{'unserved':>8}"
    )
    found: dict[str, dict[str, list[Figures]]] = {}
    for family in given.families or FAMILIES:
        noise = USUAL_NOISE.get(family, 0.0) if given.noise is None else given.noise
        found[family] = {}
        for policy in given.policies:
            plays = [one(family, policy, seed, noise) for seed in given.seeds]
            found[family][policy] = plays
            show(family, policy, plays)
        if given.keep:
            keep(family, noise, given.seeds, found[family])
    print(*judge(found), sep="\n")


def _late_limit(played: Played) -> float:
    """Two median loads and one median run, in seconds."""
    runs = played.runs
    load = np.array(runs.load_seconds)
    took = np.array(runs.end) - np.array(runs.start) - load
    loads = load[load > 0]
    return 2 * float(np.median(loads) if len(loads) else 0.0) + float(np.median(took))


if __name__ == "__main__":
    main()
