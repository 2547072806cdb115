"""Held against our own runs: what two clips teach says how much a third, larger one grows."""

from __future__ import annotations

import sys

import pytest

from bench import own_runs
from bench.own_runs import Clips, activations, asked, made, rendered, taught
from reelyard.catalog import load_catalog
from worker.engines.measure.fragment import measure_pipeline

FAMILY = "cogvideox"
WITHIN = 0.2
SMALL = Clips(((64, 96), (96, 96)), (128, 96), frames=17, steps=1)
"""Less than the bench renders; how much memory grows does not depend on the steps."""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark is asked")
def test_memory_of_a_clip_is_within_a_fifth_after_two_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_runs, "clips_of", lambda _: SMALL)
    with made([FAMILY]) as folder:
        file = folder / f"{FAMILY}.toml"
        found = measure_pipeline(str(folder / FAMILY), FAMILY, {}, tiles=False)
        file.write_text(found.toml(), encoding="utf-8")
        catalog = load_catalog(file)
        lesson, _ = taught(catalog, FAMILY, folder)
        one = asked(catalog, FAMILY, SMALL.asked)
        grown = rendered(one, folder).growth
    assert lesson.runs == 2
    assert abs(activations(one) * lesson.memory / grown - 1) <= WITHIN
