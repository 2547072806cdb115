"""What makes tasks alike, and what each shape takes on each kind of device. Pure.

Given seconds are taken as they are; a shot's parameters are priced by the predictor, once for each
pair. Never guesses: what nobody knows cannot run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coordinator.simulate.fleet import Kind
from coordinator.simulate.policy import Prices
from reelyard.catalog import Catalog
from reelyard.errors import InvalidInput, Problem
from reelyard.predict.answer import Status
from reelyard.predict.ask import find_model, predict
from reelyard.predict.request import Request

MOST_PRICES = 20_000_000

Given = float | tuple[tuple[str, float], ...]
"""One number for every kind, or one per type."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`seconds`: None where the predictor is asked; then the size and steps count."""

    model: str
    gang: int = 1
    seconds: Given | None = None
    load_seconds: Given = 0.0
    memory_gib: float = 0.0
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    steps: int | None = None
    guided: bool = True


@dataclass(frozen=True, slots=True)
class Price:
    """One task on one device (of each of a gang). Endless seconds where it cannot run."""

    seconds: float
    load_seconds: float
    gib: float


def price_all(shapes: Sequence[Shape], kinds: Sequence[Kind], catalog: Catalog) -> Prices:
    """The table. Raises InvalidInput where it would be too large."""
    if len(shapes) * len(kinds) > MOST_PRICES:
        raise InvalidInput([_too_many(len(shapes), len(kinds))])
    rows = [[price(shape, kind, catalog) for kind in kinds] for shape in shapes]
    size = (len(shapes), len(kinds))
    return Prices(
        np.array([[p.seconds for p in row] for row in rows], dtype=np.float64).reshape(size),
        np.array([[p.load_seconds for p in row] for row in rows], dtype=np.float64).reshape(size),
        np.array([[p.gib for p in row] for row in rows], dtype=np.float64).reshape(size),
        tuple(shape.model for shape in shapes),
        tuple(_steps(shape, catalog) for shape in shapes),
    )


def price(shape: Shape, kind: Kind, catalog: Catalog) -> Price:
    """Of one pair."""
    if shape.seconds is None:
        return _predicted(shape, kind, catalog)
    seconds, load = _of(shape.seconds, kind), _of(shape.load_seconds, kind)
    if seconds is None or load is None or shape.memory_gib > kind.memory_gib:
        return Price(np.inf, np.inf, shape.memory_gib)
    return Price(seconds, load, shape.memory_gib)


def _steps(shape: Shape, catalog: Catalog) -> int:
    model = find_model(shape.model, catalog) if shape.seconds is None else None
    return shape.steps or (model.steps if model else 0)


def _of(given: Given, kind: Kind) -> float | None:
    if isinstance(given, float):
        return given
    by_type = dict(given)
    return next((by_type[name] for name in kind.names if name in by_type), None)


def _predicted(shape: Shape, kind: Kind, catalog: Catalog) -> Price:
    if kind.device is None:
        return Price(np.inf, np.inf, 0.0)
    asked = Request(
        model=shape.model,
        device=kind.device.id,
        gpus=shape.gang,
        width=shape.width,
        height=shape.height,
        frames=shape.frames,
        steps=shape.steps,
        guided=shape.guided,
        memory_gib=kind.memory_gib,
        read_gb_s=kind.read_gb_s,
    )
    found = predict(asked, catalog)
    gib = found.bound_vram_gib or 0.0
    if found.status is not Status.OK or found.seconds is None:
        return Price(np.inf, np.inf, gib)
    return Price(max(found.seconds, 0.001), found.load_seconds or 0.0, gib)


def _too_many(shapes: int, kinds: int) -> Problem:
    return Problem(
        field="seconds",
        message="differ between tasks so much that the table of prices would be too large",
        value=f"{shapes} shapes x {kinds} device types",
        limit=f"{MOST_PRICES} prices",
        remedy="Round seconds, load_seconds and memory_gib, so that alike tasks share them.",
    )
