"""Where scenes lie: in frames, and in samples that never drift."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.media.timeline import SAMPLE_RATE, lay_out, sample_at

LENGTHS = st.lists(st.integers(1, 2000), min_size=1, max_size=60)


@given(LENGTHS, st.integers(1, 60))
def test_scenes_follow_one_another_without_gap_or_overlap(lengths: list[int], fps: int) -> None:
    slots = lay_out(lengths, fps).slots
    assert [slot.frames for slot in slots] == lengths
    assert slots[0].first_frame == slots[0].first_sample == 0
    for before, after in pairwise(slots):
        assert before.last_frame == after.first_frame
        assert before.last_sample == after.first_sample


@given(LENGTHS, st.integers(1, 60))
def test_no_sample_is_more_than_half_a_sample_off(lengths: list[int], fps: int) -> None:
    for slot in lay_out(lengths, fps).slots:
        exact = Fraction(slot.first_frame * SAMPLE_RATE, fps)
        assert abs(slot.first_sample - exact) <= Fraction(1, 2)


def test_an_hour_at_an_awkward_speed_ends_on_its_sample() -> None:
    timeline = lay_out([7] * 3600, 7)
    assert (timeline.frames, timeline.samples) == (25_200, 3600 * SAMPLE_RATE)
    assert timeline.seconds == 3600
    assert sample_at(1, 7) == 6857


@pytest.mark.parametrize("lengths", [[], [4, 0, 3], [-1]])
def test_an_empty_scene_has_no_place(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="a frame at least"):
        lay_out(lengths, 24)
