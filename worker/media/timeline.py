"""Where everything lies in a film: pictures counted in frames, sound in samples of 48 kHz.

Each sample position is computed from its frame alone, as a fraction: nothing is added up, so
nothing drifts. Pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

SAMPLE_RATE: Final = 48_000


@dataclass(frozen=True, slots=True)
class Slot:
    """One scene's place: frames [first_frame, last_frame), samples [first_sample, last_sample)."""

    first_frame: int
    last_frame: int
    first_sample: int
    last_sample: int
    start_seconds: float

    @property
    def frames(self) -> int:
        """How many pictures."""
        return self.last_frame - self.first_frame

    @property
    def samples(self) -> int:
        """How many samples."""
        return self.last_sample - self.first_sample


@dataclass(frozen=True, slots=True)
class Timeline:
    """All scenes in order, without gap or overlap."""

    fps: int
    slots: tuple[Slot, ...]

    @property
    def frames(self) -> int:
        """How many pictures the film has."""
        return self.slots[-1].last_frame

    @property
    def samples(self) -> int:
        """How many samples its sound has."""
        return self.slots[-1].last_sample

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.frames / self.fps


def lay_out(lengths: Sequence[int], fps: int) -> Timeline:
    """Scenes of so many frames, one after the other. Raises ValueError for none or an empty one."""
    if not lengths or min(lengths) < 1:
        raise ValueError(f"every scene needs a frame at least, not {list(lengths)}")
    slots, first = [], 0
    for length in lengths:
        last = first + length
        start = float(Fraction(first, fps))
        slots.append(Slot(first, last, sample_at(first, fps), sample_at(last, fps), start))
        first = last
    return Timeline(fps, tuple(slots))


def sample_at(frame: int, fps: int, rate: int = SAMPLE_RATE) -> int:
    """The sample that sounds when this picture appears."""
    return round(Fraction(frame * rate, fps))
