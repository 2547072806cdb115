"""What each shape takes on each kind of device, as arrays: seconds, load seconds, GiB.

Shapes and kinds get numbers as they come; every pair is asked of the estimates once. Never guesses:
what cannot run has endless seconds.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FIRST_ROWS, _FIRST_COLUMNS = 64, 8


@dataclass(frozen=True, slots=True)
class Price:
    """One task of a shape on one device of a kind: seconds with the model in memory (endless where
    it cannot run), seconds to load the model before, GiB that it never exceeds, and whether it can
    stop at a step there and go on from a checkpoint."""

    seconds: float
    load_seconds: float = 0.0
    gib: float = 0.0
    can_checkpoint: bool = True


class Estimates(Protocol):
    """Whoever knows what work takes."""

    def price(self, shape: Hashable, kind: Hashable) -> Price:
        """Of one task of the shape on one device of the kind."""
        ...

    def model(self, shape: Hashable) -> str:
        """The model that has to be in memory; empty for none."""
        ...


@dataclass(slots=True)
class Prices:
    """The table. Rows are shapes, columns are kinds of devices, both in the order they came."""

    estimates: Estimates
    shapes: dict[Hashable, int] = field(default_factory=dict)
    kinds: dict[Hashable, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    _run: Floats = field(default_factory=lambda: _endless(_FIRST_ROWS, _FIRST_COLUMNS))
    _load: Floats = field(default_factory=lambda: np.zeros((_FIRST_ROWS, _FIRST_COLUMNS)))
    _gib: Floats = field(default_factory=lambda: np.zeros((_FIRST_ROWS, _FIRST_COLUMNS)))
    _cut: Bools = field(
        default_factory=lambda: np.zeros((_FIRST_ROWS, _FIRST_COLUMNS), dtype=np.bool_)
    )
    _model: Ints = field(default_factory=lambda: np.full(_FIRST_ROWS, -1, dtype=np.int64))

    @property
    def run(self) -> Floats:
        """[shapes, kinds] seconds with the model resident; endless where it cannot run."""
        return self._run[: len(self.shapes), : len(self.kinds)]

    @property
    def load(self) -> Floats:
        """[shapes, kinds] seconds to load the shape's model."""
        return self._load[: len(self.shapes), : len(self.kinds)]

    @property
    def gib(self) -> Floats:
        """[shapes, kinds] memory that the task never exceeds."""
        return self._gib[: len(self.shapes), : len(self.kinds)]

    @property
    def can_checkpoint(self) -> Bools:
        """[shapes, kinds] where the task can be cut at a step."""
        return self._cut[: len(self.shapes), : len(self.kinds)]

    @property
    def model(self) -> Ints:
        """[shapes] the number of its model; -1 for none."""
        return self._model[: len(self.shapes)]

    def shape(self, key: Hashable) -> int:
        """The shape's number; a new one is priced on every kind."""
        number = self.shapes.get(key)
        if number is not None:
            return number
        number = self.shapes[key] = len(self.shapes)
        self._grow()
        name = self.estimates.model(key)
        self._model[number] = self.models.setdefault(name, len(self.models)) if name else -1
        for kind, column in self.kinds.items():
            self._ask(key, number, kind, column)
        return number

    def kind(self, key: Hashable) -> int:
        """The kind's number; on a new one every shape is priced."""
        number = self.kinds.get(key)
        if number is not None:
            return number
        number = self.kinds[key] = len(self.kinds)
        self._grow()
        for shape, row in self.shapes.items():
            self._ask(shape, row, key, number)
        return number

    def model_number(self, name: str) -> int:
        """The model's number."""
        return self.models.setdefault(name, len(self.models))

    def ask_again(self) -> None:
        """The estimates have changed: every pair anew."""
        for shape, row in self.shapes.items():
            for kind, column in self.kinds.items():
                self._ask(shape, row, kind, column)

    def _ask(self, shape: Hashable, row: int, kind: Hashable, column: int) -> None:
        found = self.estimates.price(shape, kind)
        self._run[row, column] = found.seconds
        self._load[row, column] = found.load_seconds
        self._gib[row, column] = found.gib
        self._cut[row, column] = found.can_checkpoint

    def _grow(self) -> None:
        rows, columns = self._run.shape
        if len(self.shapes) <= rows and len(self.kinds) <= columns:
            return
        rows = rows * 2 if len(self.shapes) > rows else rows
        columns = columns * 2 if len(self.kinds) > columns else columns
        self._run = _onto(_endless(rows, columns), self._run)
        self._load = _onto(np.zeros((rows, columns)), self._load)
        self._gib = _onto(np.zeros((rows, columns)), self._gib)
        cut = np.zeros((rows, columns), dtype=np.bool_)
        cut[: self._cut.shape[0], : self._cut.shape[1]] = self._cut
        self._cut = cut
        model = np.full(rows, -1, dtype=np.int64)
        model[: len(self._model)] = self._model
        self._model = model


def _endless(rows: int, columns: int) -> Floats:
    return np.full((rows, columns), np.inf)


def _onto(larger: Floats, smaller: Floats) -> Floats:
    larger[: smaller.shape[0], : smaller.shape[1]] = smaller
    return larger
