"""Durations of a line: pauses give way first, then the rate, and the sum is what was asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engines.voice.durations import (
    FASTEST,
    LEAST_PAUSE,
    LONGEST_PAUSE,
    SLOWEST,
    Prediction,
    fit,
    split,
)

UNIT = 0.025


def a_prediction(speech: list[float], pause: list[float]) -> Prediction:
    edge = np.zeros(len(speech))
    edge[0], edge[-1] = 4.8, 8.0
    return Prediction(np.array(speech), np.array(pause), edge, UNIT)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    count = draw(st.integers(8, 60))
    speech = draw(st.lists(st.floats(1, 9), min_size=count, max_size=count))
    silent = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    pause = [12.0 if quiet else 0.0 for quiet in silent]
    speech = [0.0 if quiet else units for quiet, units in zip(silent, speech, strict=True)]
    speech[1], pause[1] = 5.0, 0.0
    return a_prediction([0.0, *speech, 0.0], [0.0, *pause, 0.0])


@given(predictions(), st.floats(0.3, 3.0))
def test_inside_the_limits_the_units_fill_the_time_exactly(
    prediction: Prediction, factor: float
) -> None:
    seconds = factor * prediction.natural_seconds
    fitting = fit(prediction, seconds)
    assert (fitting.units >= 1).all()
    assert SLOWEST - 1e-9 <= fitting.rate <= FASTEST + 1e-9
    assert LEAST_PAUSE <= fitting.pause <= LONGEST_PAUSE or not prediction.pause.any()
    inside = SLOWEST + 0.01 < fitting.rate < FASTEST - 0.01
    if inside and len(fitting.units) < seconds / UNIT:
        assert fitting.units.sum() == int(seconds / UNIT + 1e-6)


@given(predictions())
def test_its_natural_length_changes_nothing(prediction: Prediction) -> None:
    fitting = fit(prediction, None)
    assert (fitting.rate, fitting.pause) == (1.0, 1.0)
    wish = prediction.speech + prediction.pause + prediction.edge
    lengthened = np.maximum(1 - np.round(wish), 0).sum()
    assert abs(fitting.units.sum() - wish.sum()) <= lengthened + 1


def test_pauses_give_way_before_the_rate() -> None:
    prediction = a_prediction([0, 20, 0, 20, 0], [0, 0, 20, 0, 0])
    natural = prediction.natural_seconds
    shorter = fit(prediction, natural - 10 * UNIT)
    assert shorter.rate == pytest.approx(1.0)
    assert shorter.pause == pytest.approx(0.5)
    much_shorter = fit(prediction, natural - 15 * UNIT)
    assert much_shorter.pause == LEAST_PAUSE
    assert 1 < much_shorter.rate < FASTEST


def test_what_cannot_fit_is_as_short_as_the_limits_allow() -> None:
    prediction = a_prediction([0, 40, 0, 40, 0], [0, 0, 20, 0, 0])
    fitting = fit(prediction, 0.5)
    assert (fitting.rate, fitting.pause) == (pytest.approx(FASTEST), LEAST_PAUSE)
    assert fitting.units.sum() * UNIT > 0.5


def test_a_line_without_a_pause_is_no_division_by_zero() -> None:
    prediction = a_prediction([0, 9, 9, 0], [0, 0, 0, 0])
    assert fit(prediction, prediction.natural_seconds * 1.1).pause == 1.0


def test_silence_is_what_a_stop_adds_and_what_spaces_last() -> None:
    chars = ["^", "a", "b", ".", " ", "c", "$"]
    speech, pause = split(np.array([5.0, 3, 14, 9, 4, 3, 5]), chars)
    assert speech.tolist() == [0, 3, 6, 0, 0, 3, 0]
    assert pause.tolist() == [0, 0, 8, 9, 4, 0, 0]
