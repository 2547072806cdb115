"""The drawn world is what its captions say, by measurement; the vocabulary file agrees with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from training import judge, score, world

FOLDER = Path(__file__).parents[2] / "worker" / "models" / "reelyard-demo"


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Small pictures: on a busy machine more threads would wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("aspect", [world.WIDE, world.SQUARE])
def test_the_judge_reads_true_clips_without_a_mistake(plain: bool, aspect: float) -> None:
    g = torch.Generator().manual_seed(3)
    every = world.specs(plain)
    asked = [every[i] for i in torch.randperm(len(every), generator=g)[:4]]
    times = world.moments(13)[None].expand(len(asked), 13)
    clips, _ = world.render(world.scatter(asked, g, aspect), times, 64)
    found = score.rates(asked, [judge.read(clip) for clip in clips])
    assert found["all"] == found["present_and_moving"] == 1.0


def test_the_judge_sees_when_nothing_is_there() -> None:
    reading = judge.read(torch.zeros(3, 9, 64, 112))
    assert not reading.present
    assert reading.subject is None


def test_a_clip_is_the_same_at_any_length_and_few_moments() -> None:
    scenes = world.scatter(world.specs(plain=False)[:4], torch.Generator().manual_seed(1))
    whole, _ = world.render(scenes, world.moments(17)[None].expand(4, 17), 64)
    some, _ = world.render(scenes, world.moments(17)[None, ::4].expand(4, 5), 64)
    assert torch.equal(whole[:, :, ::4], some)


def test_some_captions_are_kept_for_scoring_and_not_too_many() -> None:
    for plain in (True, False):
        every = world.specs(plain)
        part = sum(map(world.held_back, every)) / len(every)
        assert 0.1 < part < 0.3


def test_the_vocabulary_file_names_exactly_this_world() -> None:
    file = json.loads((FOLDER / "vocabulary.json").read_text())
    assert tuple(file["subjects"]) == world.SUBJECTS
    assert tuple(file["colours"]) == world.COLOURS
    assert tuple(file["motions"]) == world.MOTIONS
    assert tuple(file["backgrounds"]) == world.GROUNDS
    places = {w for b in file["backgrounds"].values() for p in b["places"] for w in p.split()}
    assert places <= set(world.words())
