"""The matrix of models and devices, remembered: it costs a second and changes with lessons only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reelyard.catalog import Catalog
from reelyard.predict.lessons import Lessons
from reelyard.predict.matrix import Column, matrix
from reelyard.predict.views import FitMatrix

_KEPT = 4


@dataclass(slots=True)
class Fits:
    """The last few that were asked for."""

    catalog: Catalog
    kept: list[tuple[Sequence[Column], Lessons, FitMatrix]] = field(default_factory=list)

    def of(self, columns: Sequence[Column], lessons: Lessons) -> FitMatrix:
        """The matrix of these columns; two who ask at once may both make it."""
        for known_columns, known_lessons, known in tuple(self.kept):
            if known_columns == columns and known_lessons == lessons:
                return known
        made = matrix(self.catalog, columns, lessons)
        self.kept = [(columns, lessons, made), *self.kept][:_KEPT]
        return made
