"""Laws through measured points: least squares of the relative error. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

_GOOD = 1e-3
_NOTHING = 1e-7
"""A term that gives less than this share of every point is noise of the arithmetic."""


def law(
    terms: Sequence[Sequence[float]],
    measured: Sequence[float],
    scale: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """One coefficient for each term. `terms`: a row for each point. `scale`: what errors are
    relative to, if not the points themselves. Six digits are kept."""
    if not any(measured):
        return (0.0,) * len(terms[0])
    rows, points = np.asarray(terms, float), np.asarray(measured, float)
    weights = 1 / np.maximum(np.abs(points if scale is None else np.asarray(scale, float)), 1.0)
    width = np.maximum(np.abs(rows).max(axis=0), 1.0)
    found = np.linalg.lstsq(rows / width * weights[:, None], points * weights, rcond=None)[0]
    return _rounded(found / width, rows, points)


def nonnegative_law(
    terms: Sequence[Sequence[float]], measured: Sequence[float]
) -> tuple[float, ...]:
    """As `law`, without negative coefficients and with as few terms as hold every point to a
    tenth of a percent; among as many, those that come first."""
    width = len(terms[0])
    best: tuple[float, tuple[float, ...]] = (float("inf"), (0.0,) * width)
    for size in range(1, width + 1):
        for chosen in combinations(range(width), size):
            columns = [[row[c] for c in chosen] for row in terms]
            found = _placed(law(columns, measured), chosen, width)
            if min(found) >= 0 and (off := error(found, terms, measured)) < best[0]:
                best = off, found
            if best[0] < _GOOD:
                return best[1]
    return best[1]


def value(found: Sequence[float], row: Sequence[float]) -> float:
    """What the law says of a point."""
    return sum(c * x for c, x in zip(found, row, strict=True))


def error(
    found: Sequence[float], terms: Sequence[Sequence[float]], measured: Sequence[float]
) -> float:
    """The largest relative error over the points."""
    pairs = zip(terms, measured, strict=True)
    return max(abs(value(found, row) - y) / max(abs(y), 1.0) for row, y in pairs)


def digits(number: float, kept: int = 6) -> float:
    """Rounded to so many digits, so that a file of laws can be read and compared."""
    return float(f"{number:.{kept}g}")


def _placed(found: Sequence[float], chosen: Sequence[int], width: int) -> tuple[float, ...]:
    placed = [0.0] * width
    for coefficient, at in zip(found, chosen, strict=True):
        placed[at] = coefficient
    return tuple(placed)


def _rounded(found: Any, rows: Any, points: Any) -> tuple[float, ...]:
    share = (np.abs(rows * found) / np.maximum(np.abs(points), 1.0)[:, None]).max(axis=0)
    return tuple(
        digits(float(c)) if s > _NOTHING else 0.0 for c, s in zip(found, share, strict=True)
    )
