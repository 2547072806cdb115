"""Pictures that stand for a film: its poster, and a sheet with one picture of every scene.

Looks at the film's pictures as they pass and keeps the middle of each scene, small; of the large
ones only the best so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from PIL import Image

from worker.media.clip import Picture
from worker.media.timeline import Timeline

MOST_ON_SHEET: Final = 40
_CELL_WIDTH: Final = 320
_GAP: Final = 12
_GROUND: Final = (18, 20, 24)
_COLUMNS: Final = (4, 5, 3)
"""Most wanted first; the one that leaves the fewest places empty is taken."""


class Stills:
    """What is kept of the pictures that pass."""

    def __init__(self, timeline: Timeline) -> None:
        middles = [slot.first_frame + slot.frames // 2 for slot in timeline.slots]
        self._middles = frozenset(middles)
        self._on_sheet = frozenset(middles[:: math.ceil(len(middles) / MOST_ON_SHEET)])
        self._cells: list[Image.Image] = []
        self._poster: Picture | None = None
        self._interest = -1.0

    def watch(self, pictures: Iterable[Picture]) -> Iterator[Picture]:
        """The same pictures, looked at."""
        for index, picture in enumerate(pictures):
            if index in self._middles:
                self._consider(picture)
            if index in self._on_sheet:
                self._cells.append(_small(picture))
            yield picture

    @property
    def poster(self) -> Picture:
        """The middle of the scene that shows most. Only after the pictures have passed."""
        assert self._poster is not None
        return self._poster

    @property
    def sheet(self) -> Picture:
        """One picture per scene, in a grid; evenly chosen scenes when there are very many."""
        return _grid(self._cells)

    def _consider(self, picture: Picture) -> None:
        interest = _interest(picture)
        if interest > self._interest:
            self._poster, self._interest = picture.copy(), interest


def _interest(picture: Picture) -> float:
    """Contrast and colour: flat and gray pictures make poor posters."""
    small = np.asarray(_small(picture), dtype=np.float32)
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    contrast = small.mean(axis=-1).std()
    return float(contrast + (red - green).std() + ((red + green) / 2 - blue).std())


def _small(picture: Picture) -> Image.Image:
    height, width = picture.shape[:2]
    across = min(_CELL_WIDTH, width)
    size = (across, max(1, round(height * across / width)))
    return Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS)


def _grid(cells: Sequence[Image.Image]) -> Picture:
    columns = _columns(len(cells))
    rows = math.ceil(len(cells) / columns)
    width, height = cells[0].size
    size = (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP)
    sheet = Image.new("RGB", size, _GROUND)
    for place, cell in enumerate(cells):
        row, column = divmod(place, columns)
        sheet.paste(cell, (_GAP + column * (width + _GAP), _GAP + row * (height + _GAP)))
    return np.asarray(sheet, dtype=np.uint8)


def _columns(count: int) -> int:
    if count <= max(_COLUMNS):
        return count
    return min(_COLUMNS, key=lambda columns: -count % columns)
