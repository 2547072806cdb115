"""The planner: which kinds of devices should do which shapes, from one small linear program; and
the lower bound on the makespan that comes with it.

Unknowns are fractions: x[k, g], the share of shape k done on kind g; y[m, g], loads of model m on
kind g. For a horizon of T seconds, with N tasks of shape k that use q devices each, on n devices:

    min lam   sum_g x[k,g] = 1                                                        each k
              sum_k N_k q_k run[k,g] x[k,g] + sum_m load[m,g] y[m,g] <= lam n_g T     each g
              sum_{k of m} N_k q_k run[k,g] x[k,g] <= y[m,g] (T - load[m,g]) + r[m,g] T
              x[k,g] = 0 where run (+ load, where nobody holds the model) > T

lam > 1 proves that no schedule of length T exists, so the smallest T with lam <= 1 is a lower
bound. The size depends on shapes and kinds only, never on how many tasks or devices there are. In
task counts instead of fractions HiGHS would answer "unbounded": the dual price 1 / (n T) falls
under its tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

from coordinator.core.yard.prices import Bools, Floats, Ints

ENDLESS_SECONDS = 1e9
"""A horizon so long that loads do not matter: what a steady stream of work asks for."""
TIDY = 1e-3
"""Enough to choose among plans that are as good, too little to change one for the busiest kind."""
_USED = 1e-6
_MOST_ROUNDS = 40


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, and on what. `run`: [shapes, kinds] seconds, endless where it cannot run;
    `load`: [models, kinds] seconds; `model`: [shapes], -1 for none; `count`: [shapes] tasks;
    `devices`: [kinds]; `gang`: [shapes] devices at once; `holders`: [models, kinds]."""

    run: Floats
    load: Floats
    model: Ints
    count: Floats
    devices: Floats
    gang: Floats
    holders: Floats


@dataclass(frozen=True, slots=True)
class Mix:
    """The plan: `share` [shapes, kinds] of each shape, `loads` [models, kinds], and `lam`, the part
    of the horizon that the busiest kind needs. `prices`: [kinds] what a second there is worth."""

    lam: float
    share: Floats
    loads: Floats
    prices: Floats

    @property
    def used(self) -> Bools:
        """[shapes, kinds] where the plan does any of the shape."""
        return np.asarray(self.share > _USED, dtype=np.bool_)


def work_of(
    run: Floats,
    load: Floats,
    model: Ints,
    count: Floats,
    devices: Floats,
    gang: Floats | None = None,
    holders: Floats | None = None,
) -> Work:
    """Shapes without a model get one of their own that takes no time to load. `load` is per shape,
    [shapes, kinds]: of the shapes of one model that run on a kind the shortest counts there.
    `holders` may know models that no shape needs."""
    model = model.copy()
    nameless = np.nonzero(model < 0)[0]
    named = max(int(model.max(initial=-1)) + 1, 0 if holders is None else len(holders))
    model[nameless] = named + np.arange(len(nameless))
    models = named + len(nameless)
    by_model = np.full((models, run.shape[1]), np.inf)
    np.minimum.at(by_model, model, np.where(np.isfinite(run), load, np.inf))
    by_model[np.isinf(by_model)] = 0.0
    held = np.zeros((models, run.shape[1]))
    if holders is not None:
        held[: len(holders)] = holders
    return Work(
        run, by_model, model, count, devices, np.ones(len(run)) if gang is None else gang, held
    )


def makespan_bound(work: Work, tolerance: float = 2e-3) -> tuple[float, Mix | None]:
    """Seconds that no schedule can beat, and the plan at the shortest horizon found feasible: about
    ten solves, secant then bisection. Tasks that fit nowhere are for the caller to leave out. That
    plan is tidy: see `solve`."""
    wanted = work.count > 0
    if not wanted.any():
        return 0.0, None
    alone = np.where(np.isfinite(work.run), work.run, np.inf) + _first_load(work)
    low = float(alone.min(1)[wanted].max()) * (1 + 1e-9)
    mix = solve(work, low)
    if mix is not None and mix.lam <= 1:
        return low, solve(work, low, TIDY) or mix
    return _search(work, low, low * (mix.lam if mix else 1.1), tolerance)


def _search(work: Work, low: float, horizon: float, tolerance: float) -> tuple[float, Mix | None]:
    best, top = None, 0.0
    for _ in range(_MOST_ROUNDS):
        mix = solve(work, horizon)
        if mix is None or mix.lam > 1 + 1e-7:
            low = horizon
            step = max(mix.lam, 1.0005) if mix is not None else 1.1
            horizon = (low + top) / 2 if top else horizon * step
        else:
            best, top = mix, horizon
            low = max(low, horizon * mix.lam)  # what is needed never falls as horizons shorten
            horizon = min(low * (1 + tolerance / 2), (low + top) / 2)
        if top and top - low <= tolerance * top:
            break
    return low, (solve(work, top, TIDY) if top else None) or best


def solve(work: Work, horizon: float, tidy: float = 0.0) -> Mix | None:
    """The plan for one horizon; None where some shape cannot be done within it at all. `tidy`: what
    all seconds together count beside those of the busiest kind. With 0 `lam` is exact, but where
    other kinds are not busy, any plan will do for them; else `lam` may be that part too large."""
    may = np.isfinite(work.run) & (work.count[:, None] > 0) & (work.devices > 0)
    may &= np.where(may, work.run, np.inf) + _first_load(work) <= horizon
    wanted = np.nonzero(work.count > 0)[0]
    if not may[wanted].any(1).all():
        return None
    k, g = np.nonzero(may)
    unit = _unit(work, horizon, k, g)
    program = _program(work, horizon, k, g, wanted, unit)
    program["c"][: len(k)] = tidy * _seconds(work, horizon, k, g) / unit
    found = linprog(**program, bounds=(0, None), method="highs")
    if found.status != 0:
        return None
    return _mix(work, found, k, g, unit)


def _seconds(work: Work, horizon: float, k: Ints, g: Ints) -> Floats:
    """Of all of a shape on a kind, as a part of what its devices have until the horizon."""
    devices = np.maximum(work.devices, 1e-9)
    return work.run[k, g] * work.gang[k] * work.count[k] / (devices[g] * horizon)


def _unit(work: Work, horizon: float, k: Ints, g: Ints) -> float:
    """The largest of these parts: in its units `lam` and loads are far above HiGHS's tolerance of
    1e-7, however long the horizon is."""
    return float(_seconds(work, horizon, k, g).max(initial=0.0)) or 1.0


def _first_load(work: Work) -> Floats:
    return np.where(work.holders[work.model] > 0, 0.0, work.load[work.model])


def _program(
    work: Work, horizon: float, k: Ints, g: Ints, wanted: Ints, unit: float
) -> dict[str, Any]:
    models, kinds = work.load.shape
    shares, loads = len(k), models * kinds
    devices = np.maximum(work.devices, 1e-9)
    seconds = _seconds(work, horizon, k, g) / unit
    load = work.load.ravel()
    kind_of, load_at = np.arange(loads) % kinds, np.arange(loads)
    rows = [g, kind_of, np.arange(kinds), kinds + work.model[k] * kinds + g, kinds + load_at]
    columns = [
        *(np.arange(shares), shares + load_at, np.full(kinds, shares + loads)),
        *(np.arange(shares), shares + load_at),
    ]
    data = [
        *(seconds, load / horizon, -np.ones(kinds), seconds),
        -(1 - load / horizon).clip(1e-6),  # y is scaled by the kind's devices
    ]
    width = shares + loads + 1
    row_of = np.full(len(work.run), -1)
    row_of[wanted] = np.arange(len(wanted))
    done = coo_matrix((np.ones(shares), (row_of[k], np.arange(shares))), (len(wanted), width))
    triples = (np.concatenate(data), (np.concatenate(rows), np.concatenate(columns)))
    cost = np.zeros(width)
    cost[-1] = 1.0
    return {
        "c": cost,
        "A_ub": coo_matrix(triples, (kinds + loads, width)).tocsr(),
        "b_ub": np.concatenate([np.zeros(kinds), (work.holders / devices).ravel() / unit]),
        "A_eq": done.tocsr(),
        "b_eq": np.ones(len(wanted)),
    }


def _mix(work: Work, found: object, k: Ints, g: Ints, unit: float) -> Mix:
    values: Floats = found.x  # type: ignore[attr-defined]
    slack: Floats = found.ineqlin.marginals  # type: ignore[attr-defined]
    models, kinds = work.load.shape
    share = np.zeros(work.run.shape)
    share[k, g] = values[: len(k)]
    loads = values[len(k) : len(k) + models * kinds].reshape(models, kinds) * work.devices * unit
    per_second = np.where(work.devices > 0, -slack[:kinds] / np.maximum(work.devices, 1e-9), 0.0)
    return Mix(float(values[-1]) * unit, share, loads, per_second)
