"""Predictions beside published figures: errors, ladders of plans, gains of several devices.

Knows facts and answers, not where answers come from. Prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations

from bench.published.facts import Covers, Fact
from reelyard.predict.answer import Answer, Status
from reelyard.predict.request import Request

ALIKE = 1.02
"""Peaks that are closer than this have no order: an allocator's rounding is as much."""

Ask = Callable[[Request], Answer]
"""Answers one question."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A fact and what was predicted for it."""

    fact: Fact
    answer: Answer

    @property
    def memory_error(self) -> float | None:
        """Relative, from the nearest value that the printed one can mean; below 0: predicted less.
        None where either side is missing."""
        if self.fact.peak_gib is None or self.answer.peak_vram_gib is None:
            return None
        least, most = self.fact.peak_range
        nearest = min(max(self.answer.peak_vram_gib, least), most)
        return self.answer.peak_vram_gib / nearest - 1

    @property
    def seconds(self) -> float | None:
        """Predicted, of what the fact's seconds cover; None where denoising has no prediction."""
        denoising = next((s.seconds for s in self.answer.stages if s.name == "denoise"), None)
        whole = self.answer.seconds if denoising is not None else None
        return whole if self.fact.covers is Covers.JOB else denoising

    @property
    def time_ratio(self) -> float | None:
        """Predicted over published; None where either side is missing."""
        if self.fact.seconds is None or not self.seconds:
            return None
        return self.seconds / self.fact.seconds

    @property
    def time_factor(self) -> float | None:
        """How far off, whichever way: 1.0 is exact."""
        ratio = self.time_ratio
        return None if ratio is None else max(ratio, 1 / ratio)

    @property
    def is_answered(self) -> bool:
        """Every figure of the fact has a prediction, and the run is said to be possible."""
        memory = self.fact.peak_gib is None or self.memory_error is not None
        time = self.fact.seconds is None or self.time_ratio is not None
        return self.answer.status is Status.OK and memory and time


@dataclass(frozen=True, slots=True)
class Ladder:
    """Runs of one model and shape, told in one place, that differ in their plan only; the least
    memory first as published."""

    name: str
    rungs: tuple[Compared, ...]

    @property
    def reversed_pairs(self) -> tuple[tuple[Compared, Compared], ...]:
        """Pairs that are predicted the other way round (or alike). Pairs whose printed figures may
        mean the same, or nearly, have no order."""
        return tuple(pair for pair in combinations(self.rungs, 2) if _is_reversed(*pair))


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """What several devices gain over one, published and predicted."""

    alone: Compared
    together: Compared

    @property
    def published(self) -> float:
        """Seconds of one device over seconds of all."""
        return _quotient(self.alone.fact.seconds, self.together.fact.seconds)

    @property
    def predicted(self) -> float:
        """The same of the predictions."""
        return _quotient(self.alone.seconds, self.together.seconds)

    @property
    def error(self) -> float:
        """Relative; below 0: predicted to gain less."""
        return self.predicted / self.published - 1


def compare(facts: Iterable[Fact], ask: Ask) -> tuple[Compared, ...]:
    """Every fact with its prediction."""
    return tuple(Compared(fact, ask(fact.request())) for fact in facts)


def ladders(rows: Iterable[Compared]) -> tuple[Ladder, ...]:
    """Every ladder of two rungs or more, of facts that count."""
    found: dict[tuple[object, ...], list[Compared]] = defaultdict(list)
    for row in rows:
        if row.fact.counts and row.fact.gpus == 1 and row.memory_error is not None:
            found[_place(row.fact)].append(row)
    return tuple(
        Ladder(_ladder_name(rungs[0].fact), tuple(sorted(rungs, key=_published)))
        for rungs in found.values()
        if len({rung.fact.peak_gib for rung in rungs}) > 1
    )


def speed_ups(rows: Iterable[Compared]) -> tuple[SpeedUp, ...]:
    """Every run on several devices with the run on one that it was published beside."""
    timed = [row for row in rows if row.fact.counts and row.time_ratio is not None]
    alone = {_bench(row.fact): row for row in timed if row.fact.gpus == 1}
    return tuple(
        SpeedUp(alone[_bench(row.fact)], row)
        for row in timed
        if row.fact.gpus > 1 and _bench(row.fact) in alone
    )


def _place(fact: Fact) -> tuple[object, ...]:
    """Plan and device aside, what a ladder's rungs share."""
    told = (fact.source.repository, fact.source.path, fact.engine)
    return (*told, fact.model, fact.width, fact.height, fact.frames, fact.from_image)


def _bench(fact: Fact) -> tuple[object, ...]:
    """What runs on one and on several devices share."""
    return (*_place(fact), fact.device, fact.steps, fact.compiled, fact.attention, fact.covers)


def _ladder_name(fact: Fact) -> str:
    size = f"{fact.width}x{fact.height}x{fact.frames}"
    return f"{fact.model} {size} ({fact.source.repository}, {fact.engine})"


def _published(row: Compared) -> float:
    return row.fact.peak_gib or 0.0


def _is_reversed(less: Compared, more: Compared) -> bool:
    if less.fact.peak_range[1] * ALIKE >= more.fact.peak_range[0]:
        return False
    return (less.answer.peak_vram_gib or 0.0) >= (more.answer.peak_vram_gib or 0.0)


def _quotient(one: float | None, other: float | None) -> float:
    if not one or not other:
        raise ValueError("a gain needs both times")
    return one / other
