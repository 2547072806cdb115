"""Invented traffic for `reelyard simulate`: families of fleets and workloads, made anew by a seed.

    python -m bench.workloads                        what each family holds
    python -m bench.workloads online --seed 11 --into out   writes out/online-11.toml and .jsonl

Rates and sizes are data-sheet values, rounded: good for comparing rules, not for predicting. Keep
the seeds that something is tuned on apart from those that are reported. What a run takes is the
same for every task of a shape here: spread comes from `simulate --noise`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TYPES = {  # dense bf16 TFLOP/s, memory GB/s, usable GiB, checkpoint read GB/s
    "orin64": (42.0, 205.0, 56.0, 1.5),
    "rtx4090": (165.0, 1008.0, 24.0, 3.0),
    "rtx6000ada": (182.0, 960.0, 48.0, 3.0),
    "h100": (989.0, 3350.0, 80.0, 5.0),
    "h200": (989.0, 4800.0, 141.0, 5.0),
}
MODELS = [  # kind, parameters in 1e9, checkpoint GB, GiB that it needs at least
    *(("video", 14, 30, 38), ("video", 13, 27, 45), ("video", 5, 12, 18), ("video", 2, 7, 11)),
    *(("video", 1.3, 5, 8), ("video", 14, 16, 21), ("picture", 12, 24, 32)),
    *(("picture", 2.6, 7, 10), ("voice", 3, 7, 9), ("voice", 1, 3, 4), ("voice", 0.1, 1, 2)),
    ("picture", 1, 4, 8),
]
FARM40 = (4, 16, 8, 8, 4)
"""Devices per type, in the order of TYPES."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A fleet's TOML text and a workload's JSON lines."""

    family: str
    seed: int
    fleet: str
    lines: list[str]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both files, named by family and seed."""
        folder.mkdir(parents=True, exist_ok=True)
        fleet = folder / f"{self.family}-{self.seed}.toml"
        work = folder / f"{self.family}-{self.seed}.jsonl"
        fleet.write_text(self.fleet, encoding="utf-8")
        work.write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        return fleet, work


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a farm is asked for: [shapes, types] seconds (endless where memory is too small),
    [models, types] load seconds, [shapes] model and GiB."""

    run: Floats
    load: Floats
    model: Ints
    gib: Floats

    @property
    def fastest(self) -> Floats:
        """[shapes] seconds on the type that is quickest."""
        return np.asarray(self.run.min(1))

    def fields(self) -> list[dict[str, Any]]:
        """Of every shape, what its lines have in common."""
        return [self._fields(k) for k in range(len(self.run))]

    def _fields(self, k: int) -> dict[str, Any]:
        kind = MODELS[self.model[k]][0]
        able = [(g, name) for g, name in enumerate(TYPES) if np.isfinite(self.run[k, g])]
        load = self.load[self.model[k]]
        return {
            "kind": kind,
            "model": f"{kind}-{self.model[k]}",
            "seconds": {name: round(float(self.run[k, g]), 3) for g, name in able},
            "load_seconds": {name: round(float(load[g]), 3) for g, name in able},
            "memory_gib": round(float(self.gib[k]), 3),
        }


def shapes(seed: int, per_model: int = 8) -> Shapes:
    """Every model in `per_model` sizes; times by a roofline, with 15 % of spread per model and type
    (kernels differ: it is no matrix of rank one)."""
    rng = np.random.default_rng(seed)
    sizes = [_size(rng, m) for m in range(len(MODELS)) for _ in range(per_model)]
    quirk = rng.lognormal(0, 0.15, (len(MODELS), len(TYPES)))
    run = np.full((len(sizes), len(TYPES)), np.inf)
    for g, (tflops, bandwidth, memory, _) in enumerate(TYPES.values()):
        for k, (m, need, flop, traffic) in enumerate(sizes):
            if need <= memory:
                compute, copies = flop / (tflops * 0.45e12), traffic / (bandwidth * 0.5e9)
                run[k, g] = (compute + copies) * quirk[m, g] + 0.8
    load = np.array([[4 + model[2] / kind[3] for kind in TYPES.values()] for model in MODELS])
    some = np.isfinite(run).any(1)
    model = np.array([size[0] for size in sizes])
    return Shapes(run[some], load, model[some], np.array([size[1] for size in sizes])[some])


def _size(rng: np.random.Generator, m: int) -> tuple[int, float, float, float]:
    """(model, GiB, FLOP, bytes of traffic) of one task"""
    kind, billions, _, memory = MODELS[m]
    if kind == "voice":
        steps = int(rng.choice([500, 1500, 4000, 9000]))
        return m, memory, 0.0, steps * (billions * 2e9 + 2e8)
    tokens = 1e3 * rng.choice([4, 8, 16, 32, 75] if kind == "video" else [1, 4, 8])
    steps = int(rng.choice([8, 20, 30, 50]))
    attention = 160 * tokens**2 * 4096 * (billions / 14) ** 0.5
    flop = steps * 2 * (2 * billions * 1e9 * tokens + attention)  # twice for guidance
    return m, memory + tokens / 1e3 * 0.12, flop, 0.0


def batch(seed: int, tasks: int = 2_000) -> Traffic:
    """40 devices of 5 types, about 2,000 tasks of 96 shapes, all there at the beginning."""
    return _batch("batch", seed, tasks, per_model=8, times=1)


def batch_large(seed: int, tasks: int = 100_000) -> Traffic:
    """1,000 devices, about 100,000 tasks of 480 shapes, all there at the beginning."""
    return _batch("batch_large", seed, tasks, per_model=40, times=25)


def _batch(family: str, seed: int, tasks: int, per_model: int, times: int) -> Traffic:
    asked, rng = shapes(seed, per_model), np.random.default_rng([seed, 1])
    count = rng.geometric(len(asked.run) / tasks, len(asked.run))
    which = rng.permutation(np.repeat(np.arange(len(asked.run)), count))
    lines = _lines(asked.fields(), which, np.zeros(len(which)), ["studio"] * len(which))
    return Traffic(family, seed, fleet_text([n * times for n in FARM40]), lines)


def online(seed: int, load: float = 0.9, tasks: int = 6_000) -> Traffic:
    """40 devices of 5 types, tasks at random moments, an uneven mix of 96 shapes.

    They ask for `load` of what the farm can do at best, the loading of models not counted."""
    asked, rng = shapes(seed), np.random.default_rng([seed, 2])
    weight = rng.dirichlet(np.full(len(asked.run), 0.5)) / asked.fastest
    which = rng.choice(len(asked.run), tasks, p=weight / weight.sum())
    at = np.sort(rng.random(tasks)) * least_seconds(asked, which, FARM40) / load
    return Traffic(
        "online", seed, fleet_text(FARM40), _lines(asked.fields(), which, at, ["studio"] * tasks)
    )


def least_seconds(asked: Shapes, which: Ints, devices: Sequence[int]) -> float:
    """What the work takes when every type does what it is best at and nothing is loaded."""
    from coordinator.core.yard.mix import ENDLESS_SECONDS, solve, work_of

    count = np.bincount(which, minlength=len(asked.run)).astype(float)
    work = work_of(
        asked.run, asked.load[asked.model], asked.model, count, np.array(devices, dtype=float)
    )
    plan = solve(work, ENDLESS_SECONDS)
    assert plan is not None  # every shape runs somewhere, and the horizon is endless
    return float(plan.lam * ENDLESS_SECONDS)


CHECKPOINTS, USERS = 79, 4_240
_HOUR_SHARES = ((0.0, 0.33, 0.5, 0.75, 0.9, 0.99, 1.0), (0.0, 0.0, 0.19, 1.0, 4.0, 6.6, 9.1))
_BATCHES = ((1, 4, 8, 2, 3), (0.54, 0.17, 0.13, 0.07, 0.09), (19.0, 38.0, 60.0, 26.0, 22.0))
"""Pictures asked for at once, how often, and seconds."""
_SAME_MODEL, _SAME_SESSION = 0.72, 0.75


def residency(seed: int, load: float = 0.85, devices: int = 64, tasks: int = 26_000) -> Traffic:
    """64 alike devices and 79 checkpoints: a few are loved, users stay with theirs, bursts.

    A third of the hours is empty and some hold nine times the mean. Fitted to a published trace of
    23 days (GenTD26); its time is squeezed until the devices are asked for `load`, loading not
    counted. Play it with `--noise 0.43`, the spread within one shape there."""
    rng = np.random.default_rng(seed)
    popular = (np.arange(CHECKPOINTS) + 1 + 3.5) ** -2.55
    small = rng.random(CHECKPOINTS) < 1 / 3
    seconds = np.where(small, 2.8, 34 * rng.lognormal(0, 0.44, CHECKPOINTS))
    who, what = _sessions(rng, tasks, popular / popular.sum())
    size = rng.choice(len(_BATCHES[0]), tasks, p=_BATCHES[1])
    at = _bursty(rng, tasks)
    at *= np.array(_BATCHES[2])[size].sum() / (devices * load) / at[-1]
    sizes = range(len(_BATCHES[0]))
    fields = [_picture(m, s, seconds[m]) for m in range(CHECKPOINTS) for s in sizes]
    which = what * len(sizes) + size
    fleet = f'[[devices]]\ntype = "card"\ncount = {devices}\nmemory_gib = 24\n'
    return Traffic("residency", seed, fleet, _lines(fields, which, at, [f"user-{u}" for u in who]))


def _picture(checkpoint: int, size: int, load: float) -> dict[str, Any]:
    return {
        "kind": "picture",
        "model": f"checkpoint-{checkpoint + 1}",
        "seconds": _BATCHES[2][size],
        "load_seconds": round(float(load), 2),
        "memory_gib": 12,
    }


def _sessions(rng: np.random.Generator, tasks: int, popular: Floats) -> tuple[list[int], Ints]:
    """Whose each request is and what it names: three of four go on in an open session."""
    users = np.arange(1, USERS + 1) ** -0.81
    fresh = rng.choice(USERS, tasks, p=users / users.sum())
    drawn = rng.choice(len(popular), tasks, p=popular)
    dice = rng.random((tasks, 3))
    recent: list[int] = []
    last: dict[int, int] = {}
    who: list[int] = []
    for n in range(tasks):
        goes_on = bool(recent) and dice[n, 0] < _SAME_SESSION
        user = recent[int(dice[n, 1] * len(recent))] if goes_on else int(fresh[n])
        if user not in recent:
            recent = [*recent[-7:], user]
        if user in last and dice[n, 2] < _SAME_MODEL:
            drawn[n] = last[user]
        last[user] = int(drawn[n])
        who.append(user)
    return who, drawn


def _bursty(rng: np.random.Generator, tasks: int, hours: int = 552) -> Floats:
    """Moments in hours: uneven between hours, nearly Poisson within one."""
    share = np.interp(rng.random(hours), *_HOUR_SHARES)
    hour = rng.choice(hours, tasks, p=share / share.sum())
    return np.asarray(np.sort(hour + rng.random(tasks)))


def fairness(seed: int, modest: int = 20, times: int = 1_000) -> Traffic:
    """40 devices and 8 owners of equal weight: one asks for `times` as much as each other.

    All of that at the beginning; the others come in four groups of tasks meanwhile."""
    asked, rng = shapes(seed, 2), np.random.default_rng([seed, 3])
    short = np.nonzero(asked.fastest < 60)[0]
    flood = rng.choice(short, modest * times)
    total = least_seconds(asked, flood, FARM40)
    rows = [(0.0, "flood", int(k)) for k in flood]
    for owner in range(1, 8):
        for group in range(4):
            moment = float((group + rng.random()) * total / 5)
            own = rng.choice(short, modest // 4)
            rows += [(moment, f"owner-{owner}", int(k)) for k in own]
    rows.sort(key=lambda row: row[0])
    at, owners, which = (list(column) for column in zip(*rows, strict=True))
    lines = _lines(asked.fields(), np.array(which), np.array(at), owners)
    return Traffic("fairness", seed, fleet_text(FARM40), lines)


def shared(seed: int, owners: int = 8, hours: float = 3.0, load: float = 1.3) -> Traffic:
    """40 devices and 8 owners of equal weight, each of whom asks for more than a part for hours.

    All draw from the same mix of shapes, at random moments."""
    asked, rng = shapes(seed), np.random.default_rng([seed, 4])
    weight = rng.dirichlet(np.full(len(asked.run), 0.5)) / asked.fastest
    sample = rng.choice(len(asked.run), 10_000, p=weight / weight.sum())
    seconds = least_seconds(asked, sample, FARM40) / len(sample)
    tasks = int(hours * 3600 * load / seconds)
    which = rng.choice(len(asked.run), tasks, p=weight / weight.sum())
    at = np.sort(rng.random(tasks)) * hours * 3600
    who = [f"owner-{n}" for n in rng.integers(1, owners + 1, tasks)]
    return Traffic("shared", seed, fleet_text(FARM40), _lines(asked.fields(), which, at, who))


FAMILIES: dict[str, Callable[[int], Traffic]] = {
    made.__name__: made for made in (batch, batch_large, online, residency, fairness, shared)
}


def fleet_text(counts: Sequence[int]) -> str:
    """The invented types as a fleet's file."""
    tables = (
        f'[[devices]]\ntype = "{name}"\ncount = {count}\nmemory_gib = {kind[2]:g}\n'
        f"read_gb_s = {kind[3]:g}\n"
        for (name, kind), count in zip(TYPES.items(), counts, strict=True)
    )
    return "\n".join(tables)


def _lines(
    fields: Sequence[dict[str, Any]], which: Ints, at: Floats, owners: Sequence[str]
) -> list[str]:
    """One line a task. What a shape has in common is written once."""
    tails = [json.dumps(one, separators=(",", ":"))[1:] for one in fields]
    return [
        f'{{"at":{round(float(moment), 3)!r},"owner":"{owner}",{tails[k]}'
        for k, moment, owner in zip(which.tolist(), at.tolist(), owners, strict=True)
    ]


def main() -> None:
    """The command line."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    asked.add_argument("family", nargs="?", choices=FAMILIES)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--into", type=Path, default=Path("out"))
    given = asked.parse_args()
    if given.family:
        print(*FAMILIES[given.family](given.seed).write(given.into), sep="\n")
        return
    for name, make in FAMILIES.items():
        made = make(given.seed)
        about = (make.__doc__ or "").splitlines()[0]
        print(f"{name:12} {len(made.lines):7,} tasks  {about}")


if __name__ == "__main__":
    main()
