"""One try closely: what was predicted beside what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashboard.format import gib, seconds
from dashboard.present.lessons import Deviation, deviation
from reelyard.resources import AttemptView


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of a try. `note` says what was predicted, or why there is nothing to compare."""

    name: str
    measured: str
    note: str
    deviation: Deviation | None


def comparisons(attempt: AttemptView) -> tuple[Comparison, ...]:
    """Memory, load and run, of each what is known."""
    return tuple(_memory(attempt)) + tuple(_load(attempt)) + tuple(_run(attempt))


def _memory(attempt: AttemptView) -> Iterator[Comparison]:
    """Measured is held against what was expected; where that is not known, the bound is named."""
    expected, bound = attempt.predicted_peak_gib, attempt.predicted_gib
    if attempt.peak_gib is None and expected is None and bound is None:
        return
    measured = "not measured" if attempt.peak_gib is None else gib(attempt.peak_gib)
    said = f"predicted {gib(bound if expected is None else expected)}"
    if expected is not None and bound is not None:
        said += f", at most {gib(bound)}"
    note = "" if expected is None and bound is None else said
    yield Comparison("memory", measured, note, _between(attempt.peak_gib, expected))


def _load(attempt: AttemptView) -> Iterator[Comparison]:
    if attempt.warm:
        yield Comparison("load", seconds(attempt.load_seconds or 0.0), "was in memory", None)
    elif attempt.load_seconds is not None:
        yield _timed("load", attempt.load_seconds, attempt.predicted_load_seconds)


def _run(attempt: AttemptView) -> Iterator[Comparison]:
    if attempt.run_seconds is not None:
        yield _timed("run", attempt.run_seconds, attempt.predicted_seconds)
    elif attempt.predicted_seconds is not None:
        note = f"predicted {seconds(attempt.predicted_seconds)}"
        yield Comparison("run", "not finished", note, None)


def _timed(name: str, measured: float, expected: float | None) -> Comparison:
    note = "" if expected is None else f"predicted {seconds(expected)}"
    return Comparison(name, seconds(measured), note, _between(measured, expected))


def _between(measured: float | None, expected: float | None) -> Deviation | None:
    return deviation(measured / expected) if measured is not None and expected else None
