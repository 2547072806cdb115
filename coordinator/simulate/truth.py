"""What really happens: how long a run takes against its prediction, and which runs fail.

All from one seed and the task's place in the workload, so that every policy meets the same luck.
"""

from __future__ import annotations

import math

import numpy as np


class Truth:
    """`noise`: the coefficient of variation of a log-normal factor with mean 1, one for each task
    whatever device it runs on; `failures`: the probability that a run ends early."""

    def __init__(
        self, tasks: int, noise: float = 0.0, failures: float = 0.0, seed: int = 0
    ) -> None:
        self.noise, self.failures, self._seed = noise, failures, seed
        self._factors = _factors(tasks, noise, seed)
        dice = np.random.default_rng([seed, 2]).random((tasks, 2)) if failures else None
        self._first = dice.tolist() if dice is not None else None

    def factor(self, task: int) -> float:
        """Real seconds over predicted ones."""
        return self._factors[task] if self._factors else 1.0

    def fails_at(self, task: int, attempt: int) -> float | None:
        """The part of its seconds after which this attempt (0 is the first) fails; None: it does
        not."""
        if self._first is None:
            return None
        chance, part = self._first[task] if attempt == 0 else self._again(task, attempt)
        return part if chance < self.failures else None

    def _again(self, task: int, attempt: int) -> tuple[float, float]:
        chance, part = np.random.default_rng([self._seed, 3, task, attempt]).random(2).tolist()
        return chance, part


def _factors(tasks: int, noise: float, seed: int) -> list[float]:
    if not noise:
        return []
    variance = math.log1p(noise * noise)
    normal = np.random.default_rng([seed, 1]).standard_normal(tasks)
    factors: list[float] = np.exp(normal * math.sqrt(variance) - variance / 2).tolist()
    return factors
