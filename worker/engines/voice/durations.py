"""How long every sound of a line lasts, so that the whole is as long as wanted.

Pauses give way first, then the rate of speech, both within limits that still sound natural. Pure
arithmetic on predicted durations: never runs a model, never knows a word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Units: TypeAlias = NDArray[np.float64]
"""One value per token, in the model's unit of time."""

STOPS: Final = frozenset(",.!?;:—…")
PAUSES: Final = STOPS | frozenset(' ()"“”')
LEAST_PAUSE: Final = 0.45
LONGEST_PAUSE: Final = 2.2
SLOWEST: Final = 0.88
FASTEST: Final = 1.15
SPEECH_BEFORE_STOP: Final = 6.0
"""Units of a phone before a stop that are heard; what is predicted beyond them is silence."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model would do: units of speech, of elastic silence, of fixed edges, per token."""

    speech: Units
    pause: Units
    edge: Units
    unit_seconds: float

    @property
    def natural_seconds(self) -> float:
        """How long it takes unhurried."""
        return float((self.speech + self.pause + self.edge).sum()) * self.unit_seconds


@dataclass(frozen=True, slots=True)
class Fitting:
    """Whole units for every token; `rate` > 1 is faster speech, `pause` > 1 longer pauses."""

    units: NDArray[np.int64]
    rate: float
    pause: float


def split(predicted: Units, chars: Sequence[str]) -> tuple[Units, Units]:
    """Speech and silence in the prediction; tokens of `^` and `$` are edges and neither."""
    phone = np.array([char not in PAUSES and char not in "^$" for char in chars])
    speech = np.where(phone, predicted, 0.0)
    for index, following in enumerate(chars[1:]):
        if phone[index] and following in STOPS:
            speech[index] = min(speech[index], SPEECH_BEFORE_STOP)
    edge = np.array([char in "^$" for char in chars])
    return speech, np.where(edge, 0.0, predicted - speech)


def fit(prediction: Prediction, seconds: float | None) -> Fitting:
    """Durations that fill `seconds` as far as the limits allow; natural ones for None.

    Inside the limits the units sum to the most that `seconds` hold; outside they may be shorter
    (the rest is silence) or longer (the caller has to report it).
    """
    stretch, pause = _factors(prediction, seconds)
    wish = prediction.speech * stretch + prediction.pause * pause + prediction.edge
    ends = np.concatenate(([0.0], np.round(np.cumsum(wish))))
    units = np.maximum(np.diff(ends), 1).astype(np.int64)
    unit = prediction.unit_seconds
    if seconds is not None and abs(wish.sum() * unit - seconds) < unit:
        _settle(units, math.floor(seconds / unit + 1e-6))
    return Fitting(units, rate=1 / stretch, pause=pause)


def _factors(prediction: Prediction, seconds: float | None) -> tuple[float, float]:
    if seconds is None:
        return 1.0, 1.0
    wanted = seconds / prediction.unit_seconds - float(prediction.edge.sum())
    speech, silence = float(prediction.speech.sum()), float(prediction.pause.sum())
    pause = 1.0
    if silence > 0:
        pause = _clamp((wanted - speech) / silence, LEAST_PAUSE, LONGEST_PAUSE)
    stretch = 1.0
    if speech > 0:
        stretch = _clamp((wanted - pause * silence) / speech, 1 / FASTEST, 1 / SLOWEST)
    return stretch, pause


def _settle(units: NDArray[np.int64], total: int) -> None:
    """Make them sum to `total`, in place: take from the longest, give to the last."""
    while units.sum() > max(total, len(units)):
        units[np.argmax(units)] -= 1
    units[-1] += max(0, total - int(units.sum()))


def _clamp(value: float, least: float, most: float) -> float:
    return min(max(value, least), most)
