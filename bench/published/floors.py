"""The floors a predictor is held to, and whether it holds them. Pure; a floor with nothing to
compare does not hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bench.published.compare import Compared, ladders, speed_ups
from reelyard.plan import Precision

DIFFUSERS = "diffusers"
OWN_MEMORY_MEDIAN = 0.05
MOST_UNDER = 0.08
OTHER_MEMORY_MEDIAN = 0.15
CLOSE, CLOSE_SHARE = 1.3, 0.70
NEAR, NEAR_SHARE = 1.6, 0.92
MANY_DEVICES = 8
SPEED_UP, SPEED_UP_SHARE = 0.15, 0.90
_HALF = frozenset({Precision.BF16, Precision.FP16})
_NOTHING = "nothing to compare"


@dataclass(frozen=True, slots=True)
class Floor:
    """A promise, the figure that was found and whether it is kept."""

    name: str
    limit: str
    found: str
    holds: bool


def floors(rows: Sequence[Compared]) -> tuple[Floor, ...]:
    """Every floor, over the rows that count."""
    counted = [row for row in rows if row.fact.counts]
    own = [row for row in counted if row.fact.engine == DIFFUSERS]
    others = [row for row in counted if row.fact.engine != DIFFUSERS]
    return (
        _answered(counted),
        _median("memory of diffusers runs: median error", own, OWN_MEMORY_MEDIAN),
        _under(own),
        _median("memory of other engines: median error", others, OTHER_MEMORY_MEDIAN),
        _share(counted, CLOSE, CLOSE_SHARE),
        _share(counted, NEAR, NEAR_SHARE),
        _in_order(counted),
        _gains(counted),
    )


def timed(rows: Iterable[Compared]) -> list[float]:
    """Factors of the rows that count whose model, device and kernel are given."""
    told = (row for row in rows if row.fact.counts and row.fact.attention is not None)
    return [row.time_factor for row in told if row.time_factor is not None]


def errors(rows: Iterable[Compared]) -> list[float]:
    """Signed errors of memory."""
    return [row.memory_error for row in rows if row.memory_error is not None]


def distinct_errors(rows: Iterable[Compared]) -> list[float]:
    """One error of memory for all runs that one place published and that differ in nothing that
    memory depends on (compiled, bf16 or fp16, steps): a table of speeds is no many measurements."""
    alike: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for row in rows:
        if row.memory_error is not None:
            alike[_memory_of(row)].append(row.memory_error)
    return [median(found) for found in alike.values()]


def _memory_of(row: Compared) -> tuple[object, ...]:
    fact, bits = row.fact, row.fact.precision
    size = (fact.model, fact.width, fact.height, fact.frames, fact.gpus, fact.sharded)
    plan = (fact.offload, fact.vae_tiling, _HALF if bits in _HALF else bits)
    return (fact.source.repository, fact.engine, *size, *plan)


def share_within(factors: Sequence[float], limit: float) -> float:
    """The part of the factors that are at most the limit. Raises ZeroDivisionError for none."""
    return sum(factor <= limit for factor in factors) / len(factors)


def _answered(rows: Sequence[Compared]) -> Floor:
    name, limit = "runs that took place are predicted, and called possible", "all"
    if not rows:
        return Floor(name, limit, _NOTHING, False)
    answered = sum(row.is_answered for row in rows)
    return Floor(name, limit, f"{answered} of {len(rows)}", answered == len(rows))


def _median(name: str, rows: Sequence[Compared], most: float) -> Floor:
    found = [abs(error) for error in distinct_errors(rows)]
    limit = f"<= {most:.0%}"
    if not found:
        return Floor(name, limit, _NOTHING, False)
    middle = median(found)
    return Floor(name, limit, f"{middle:.1%} of {len(found)} runs", middle <= most)


def _under(rows: Sequence[Compared]) -> Floor:
    name, limit = "memory of diffusers runs, plan stated: most below", f"<= {MOST_UNDER:.0%}"
    found = errors(row for row in rows if row.fact.stated)
    if not found:
        return Floor(name, limit, _NOTHING, False)
    below = max(0.0, -min(found))
    return Floor(name, limit, f"{below:.1%} of {len(found)} rows", below <= MOST_UNDER)


def _share(rows: Sequence[Compared], within: float, least: float) -> Floor:
    name, limit = f"time within {within} x, device and kernel given", f">= {least:.0%}"
    factors = timed(rows)
    if not factors:
        return Floor(name, limit, _NOTHING, False)
    share = share_within(factors, within)
    return Floor(name, limit, f"{share:.1%} of {len(factors)} rows", share >= least)


def _in_order(rows: Sequence[Compared]) -> Floor:
    name, limit = "ladders of plans in the published order", "all"
    found = ladders(rows)
    if not found:
        return Floor(name, limit, _NOTHING, False)
    kept = sum(not ladder.reversed_pairs for ladder in found)
    return Floor(name, limit, f"{kept} of {len(found)}", kept == len(found))


def _gains(rows: Sequence[Compared]) -> Floor:
    name = f"speed-up of {MANY_DEVICES} devices within {SPEED_UP:.0%}"
    limit = f">= {SPEED_UP_SHARE:.0%}"
    gains = [gain for gain in speed_ups(rows) if gain.together.fact.gpus == MANY_DEVICES]
    if not gains:
        return Floor(name, limit, _NOTHING, False)
    off = [abs(gain.error) for gain in gains]
    share = share_within(off, SPEED_UP)
    found = f"{share:.0%} of {len(gains)}, worst {max(off):.1%}"
    return Floor(name, limit, found, share >= SPEED_UP_SHARE)
