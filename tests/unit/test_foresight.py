"""What the predictor is asked for a task on a device, and what is made of the answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.core.filters import LASTING, refusal
from coordinator.core.foresight import Foresight, needed_gib
from reelyard.catalog import Catalog
from reelyard.plan import Offload, Precision
from reelyard.predict.lessons import OUT_OF_MEMORY_MARGIN, Key, Lesson, gathered
from reelyard.predict.plans import fits
from tests.support.core_values import (
    CATALOG,
    DEMO,
    FORESIGHT,
    LARGE,
    SMALL,
    device,
    line,
    shot,
    waiting,
)

CARD = device(id="cuda:0", memory_gib=80.0)
CLIP = waiting(shot(SMALL, 81))


def test_memory_and_time_of_a_known_type() -> None:
    found = FORESIGHT.fit(CLIP, CARD)
    assert found is not None and found.metered_gib is not None
    assert found.metered_gib < found.gib < 80.0
    assert found.seconds and found.load_seconds


def test_of_an_unknown_type_memory_decides_and_time_is_not_known() -> None:
    known, unknown = (FORESIGHT.fit(CLIP, replace(CARD, type=t)) for t in ("rtx-4090", ""))
    assert known is not None and unknown is not None
    assert (unknown.seconds, unknown.load_seconds) == (None, None)
    assert unknown.gib == known.gib and unknown.plan == known.plan
    assert FORESIGHT.fit(CLIP, replace(CARD, type="", memory_gib=1.0)) is None


def test_a_cpu_that_names_no_type_is_the_catalog_s_cpu() -> None:
    plain = FORESIGHT.fit(waiting(), device(type=""))
    assert plain == FORESIGHT.fit(waiting(), device(type="cpu"))
    assert plain is not None and plain.plan.precision is Precision.FP32 and plain.seconds


def test_where_memory_is_one_pool_nothing_is_offloaded() -> None:
    board = device(id="cuda:0", kind="jetson", type="", memory_gib=10.0, ram_gib=4.0)
    options = FORESIGHT.options(CLIP, shot(SMALL, 81), board)
    assert {way.plan.offload for way in options.ways} == {Offload.NONE}
    assert FORESIGHT.fit(CLIP, board) is None
    assert FORESIGHT.fit(CLIP, replace(board, memory_gib=60.0)) is not None
    card = replace(board, kind="cuda", ram_gib=None)
    offloaded = FORESIGHT.fit(CLIP, card)
    assert offloaded is not None and offloaded.plan.offload is not Offload.NONE
    unified = replace(card, unified=True)
    assert FORESIGHT.fit(CLIP, unified) is None


def test_offloaded_weights_must_fit_the_node_s_ram() -> None:
    small = replace(CARD, memory_gib=12.0)
    found = FORESIGHT.fit(CLIP, replace(small, ram_gib=64.0))
    assert found is not None and found.plan.offload is not Offload.NONE
    said = refusal(CLIP, replace(small, ram_gib=4.0), FORESIGHT)
    assert said is not None and "GiB of RAM, its node has 4.0" in said
    for way in FORESIGHT.options(CLIP, shot(SMALL, 81), replace(small, ram_gib=24.0)).ways:
        chosen = FORESIGHT.fit(CLIP, replace(small, ram_gib=24.0))
        assert chosen is None or chosen.plan != way.plan or way.footprint.host_gib <= 24.0


def test_the_choice_is_the_predictor_s_own() -> None:
    """Remembering by how many ways fit never gives another answer than asking for the room."""
    from reelyard.predict.plans import best

    options = FORESIGHT.options(CLIP, shot(SMALL, 81), CARD)
    for room in (0.5, 3.0, 5.0, 9.5, 12.0, 17.0, 24.0, 80.0):
        own = best(options.subject, options.ways, room, options.under)
        found = options.within(room)
        assert (own is None) == (found is None)
        if own is not None and found is not None:
            assert (found.plan, found.gib, found.seconds) == (own.plan, own.bound_gib, own.seconds)
            assert any(fits(way, room) for way in options.ways)


def test_what_was_learned_raises_the_bound_and_corrects_the_time() -> None:
    before = FORESIGHT.fit(CLIP, CARD)
    assert before is not None and before.seconds is not None and before.metered_gib is not None
    key = Key(SMALL, before.plan.sentence(), "rtx-4090")
    taught = Lesson(key, runs=50, timed=50, memory=1.2, most_memory=1.5, seconds=2.0)
    after = Foresight(CATALOG, gathered([taught])).fit(CLIP, CARD)
    assert after is not None and after.seconds is not None and after.metered_gib is not None
    assert after.plan == before.plan
    assert after.gib >= before.metered_gib * 1.5 > before.gib
    assert after.metered_gib == pytest.approx(before.metered_gib * 1.2, rel=0.01)
    assert after.seconds == pytest.approx(before.seconds * 2, rel=0.1)


def test_a_lesson_changes_only_what_is_known_of_its_type() -> None:
    foresight, other = Foresight(CATALOG), replace(CARD, type="l40s")
    before = [foresight.fit(CLIP, card) for card in (CARD, other)]
    assert before[0] is not None
    key = Key(SMALL, before[0].plan.sentence(), "rtx-4090")
    lessons = gathered([Lesson(key, runs=9, timed=9, most_memory=1.0, seconds=3.0)])
    after = foresight.taught(lessons)
    assert [place[0] for _, place, _ in after.known] == ["l40s"]
    assert after.fit(CLIP, other) == before[1]
    fresh = Foresight(CATALOG, lessons)
    assert after.fit(CLIP, CARD) == fresh.fit(CLIP, CARD) != before[0]
    assert after.fit(CLIP, other) == fresh.fit(CLIP, other)
    forgotten = after.taught(gathered([]))
    assert forgotten.fit(CLIP, CARD) == before[0]


def test_what_ran_out_is_not_raised_twice() -> None:
    options = FORESIGHT.options(CLIP, shot(SMALL, 81), CARD)
    way = next(w for w in options.ways if w.plan.offload is Offload.NONE)
    law = way.footprint.bound_gib
    tried = replace(CLIP, short_of=(law,))
    assert needed_gib(way, tried) == pytest.approx(law * OUT_OF_MEMORY_MARGIN)
    taught = replace(way, bound_gib=law * 1.2)
    assert needed_gib(taught, tried) == pytest.approx(law * 1.2)
    again = replace(CLIP, short_of=(law, law * 1.2))
    assert needed_gib(replace(way, bound_gib=law * 1.4), again) == pytest.approx(law * 1.4)


def test_a_shot_of_unknown_length_counts_as_the_shortest() -> None:
    shortest = CATALOG.models[SMALL].frames_for(1)
    free, fixed = (FORESIGHT.fit(waiting(shot(SMALL, n)), CARD) for n in (None, shortest))
    assert free is not None and fixed is not None
    assert (free.gib, free.seconds) == (fixed.gib, fixed.seconds)


def test_a_continuing_shot_has_its_picture_to_encode() -> None:
    alone = FORESIGHT.fit(waiting(shot("wan2.2-ti2v-5b", 121)), CARD)
    after = FORESIGHT.fit(waiting(shot("wan2.2-ti2v-5b", 121), continues=True), CARD)
    assert alone is not None and after is not None
    assert alone.seconds is not None and after.seconds is not None
    assert after.seconds > alone.seconds and after.gib >= alone.gib


def test_a_voice_takes_what_its_catalog_entry_says() -> None:
    found = FORESIGHT.fit(waiting(line()), device())
    assert found is not None and found.gib == CATALOG.voices["heart"].memory_gib
    assert found.seconds is None
    assert FORESIGHT.fit(waiting(line()), device(memory_gib=0.1)) is None


def test_nothing_is_placed_on_a_model_that_nobody_measured() -> None:
    part = next(p for p in CATALOG.models[LARGE].parts if p.role == "denoiser")
    bare = CATALOG.components[part.component].model_copy(update={"denoiser": None})
    components = {**CATALOG.components, part.component: bare}
    catalog = Catalog(CATALOG.models, CATALOG.voices, CATALOG.styles, components, CATALOG.devices)
    said = refusal(waiting(shot(LARGE, 81)), CARD, Foresight(catalog), LASTING)
    assert said is not None and part.component in said
    assert refusal(waiting(shot(DEMO)), CARD, Foresight(catalog), LASTING) is None
