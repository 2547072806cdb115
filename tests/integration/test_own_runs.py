"""Held against our own runs: what two clips teach says how much a third, larger one grows."""

from __future__ import annotations

import sys

import pytest

from bench.own_runs import activations, asked, clips_of, made, of, rendered, taught

FAMILY = "cogvideox"
WITHIN = 0.2


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is asked")
def test_memory_of_a_clip_is_within_a_fifth_after_two_others() -> None:
    with made([FAMILY]) as folder:
        catalog = of(FAMILY, folder)
        lesson, _ = taught(catalog, FAMILY, folder)
        one = asked(catalog, FAMILY, clips_of(FAMILY).asked)
        grown = rendered(one, folder).growth
    assert lesson.runs == 2
    assert abs(activations(one) * lesson.memory / grown - 1) <= WITHIN
