"""The video step through real diffusers pipelines of every family, tiny and with random weights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from PIL import Image

from reelyard.artifact import Artifact
from reelyard.catalog import Catalog, load_catalog
from reelyard.failure import FailureKind
from reelyard.plan import Plan, Precision
from reelyard.storage.disk import DiskStore
from reelyard.task import VideoResult, VideoWork
from tests.support.desk import PlainDesk
from tests.support.tiny_pipelines import PIPELINES, catalog_entry, make
from worker.desk import Stopped, TaskFailed
from worker.engines.video.cosmos import UNGUARDED
from worker.steps import video

FAMILIES = list(PIPELINES)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors: more threads would spend their time waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    folder = tmp_path_factory.mktemp("models")
    entries = [catalog_entry(name, str(make(name, folder))) for name in FAMILIES]
    return Catalog(models={entry.id: entry for entry in entries}, voices={}, styles={})


@pytest.fixture
def desk(tmp_path: Path, catalog: Catalog) -> PlainDesk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return PlainDesk(folder, DiskStore(tmp_path / "store"), catalog)


def _shot(desk: PlainDesk, family: str, **changes: Any) -> VideoWork:
    model = desk.catalog.models[f"tiny-{family}"]
    work = VideoWork(
        model=model.id,
        prompt="a red circle moving left",
        width=64,
        height=64,
        fps=8,
        frames=2 * model.frame_step + 1,
        steps=3,
        guidance=3.0,
        seed=1,
    )
    return work.model_copy(update=changes)


def _pictures(desk: PlainDesk, artifact: Artifact) -> list[np.ndarray[Any, Any]]:
    path = desk.store.fetch(artifact.sha256, desk.folder / "seen.mp4")
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def _last_frame(desk: PlainDesk, result: VideoResult) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(desk.store.fetch(result.last_frame.sha256, desk.folder / "l.png")))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shot_has_the_frames_and_the_size_that_were_asked_for(
    desk: PlainDesk, family: str
) -> None:
    work = _shot(desk, family)

    result = video.run(work, desk)

    pictures = _pictures(desk, result.clip)
    assert len(pictures) == result.frames == work.frames
    assert {picture.shape for picture in pictures} == {(64, 64, 3)}
    assert _last_frame(desk, result).shape == (64, 64, 3)
    assert result.thumbnail.media_type == "image/jpeg"
    assert [said for said in desk.said if said[0] == "denoise"] == [
        ("denoise", step, 3) for step in range(4)
    ]
    assert [phase for phase, _, _ in desk.said][-2:] == ["decode", "store"]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_decides_the_pictures(desk: PlainDesk, family: str) -> None:
    first = video.run(_shot(desk, family), desk)
    again = video.run(_shot(desk, family), desk)
    other = video.run(_shot(desk, family, seed=2), desk)

    assert first.last_frame.sha256 == again.last_frame.sha256
    assert first.last_frame.sha256 != other.last_frame.sha256


@pytest.mark.parametrize("family", FAMILIES)
def test_a_stopped_shot_ends_at_that_step_and_harms_no_other(desk: PlainDesk, family: str) -> None:
    before = video.run(_shot(desk, family), desk)
    desk.said.clear()
    desk.stop_at = ("denoise", 2)

    with pytest.raises(Stopped):
        video.run(_shot(desk, family), desk)

    assert desk.said[-1] == ("denoise", 2, 3)
    desk.stop_at = None
    assert video.run(_shot(desk, family), desk).last_frame.sha256 == before.last_frame.sha256


@pytest.mark.parametrize("family", ["wan", "ltx", "cogvideox", "cosmos", "mochi"])
def test_the_prompt_and_its_opposite_reach_the_model(desk: PlainDesk, family: str) -> None:
    plain = video.run(_shot(desk, family), desk)
    other = video.run(_shot(desk, family, prompt="a green square moving up on white"), desk)
    unlike = video.run(_shot(desk, family, negative="blue triangle on black"), desk)

    assert len({made.last_frame.sha256 for made in (plain, other, unlike)}) == 3


@pytest.mark.parametrize("family", ["wan", "ltx"])
def test_a_start_picture_changes_the_shot_and_loads_nothing_again(
    desk: PlainDesk, family: str
) -> None:
    first = video.run(_shot(desk, family), desk)
    engine = desk.held[f"tiny-{family}"]

    from_noise = video.run(_shot(desk, family, seed=7), desk)
    continued = video.run(_shot(desk, family, seed=7, start_image=first.last_frame), desk)

    assert continued.frames == first.frames
    assert continued.clip.sha256 != from_noise.clip.sha256
    text, image = engine.pipeline, engine._from_image
    assert text is not image
    assert all(getattr(image, part) is getattr(text, part) for part in ("transformer", "vae"))


def test_another_precision_loads_the_weights_again(desk: PlainDesk) -> None:
    full = video.run(_shot(desk, "ltx"), desk)

    desk.plan = Plan(precision=Precision.BF16, vae_tiling=True)
    half = video.run(_shot(desk, "ltx"), desk)

    assert half.frames == full.frames
    assert half.last_frame.sha256 != full.last_frame.sha256
    assert str(desk.held["tiny-ltx"].pipeline.transformer.dtype) == "torch.bfloat16"


def test_a_part_that_needs_full_precision_keeps_it_whatever_the_plan(desk: PlainDesk) -> None:
    desk.plan = Plan(precision=Precision.BF16)

    video.run(_shot(desk, "wan"), desk)

    pipeline = desk.held["tiny-wan"].pipeline
    assert (str(pipeline.transformer.dtype), str(pipeline.vae.dtype)) == (
        "torch.bfloat16",
        "torch.float32",
    )


def test_what_was_not_heeded_is_in_the_notes(desk: PlainDesk) -> None:
    guarded = video.run(_shot(desk, "cosmos"), desk)
    distilled = video.run(_shot(desk, "hunyuan", negative="fog"), desk)
    long = video.run(_shot(desk, "ltx", prompt="a red circle " * 9), desk)

    assert UNGUARDED in guarded.notes
    assert distilled.notes[0] == "Tiny hunyuan knows no negative prompt: 'fog' was left out"
    assert "the prompt has 28 tokens, Tiny ltx reads the first 16" in long.notes


def test_a_frame_count_that_the_model_cannot_make_is_refused_before_loading(
    desk: PlainDesk,
) -> None:
    with pytest.raises(TaskFailed, match=r"4n\+1 frames, from 5 to 17, not 10. Ask for 13") as said:
        video.run(_shot(desk, "wan", frames=10), desk)

    assert said.value.failure.kind is FailureKind.BAD_INPUT
    assert not desk.held


def test_half_a_model_folder_says_what_to_do(desk: PlainDesk, tmp_path: Path) -> None:
    where = make("wan", tmp_path)
    entry = catalog_entry("wan", str(where))
    desk.catalog = Catalog(models={entry.id: entry}, voices={}, styles={})
    for weights in (where / "transformer").glob("*.safetensors"):
        weights.unlink()

    with pytest.raises(TaskFailed, match="not a whole WanPipeline") as said:
        video.run(_shot(desk, "wan"), desk)

    assert said.value.failure.kind is FailureKind.MODEL_MISSING
    assert "safetensors" in said.value.failure.detail


def test_an_unknown_model_is_missing(desk: PlainDesk) -> None:
    with pytest.raises(TaskFailed, match="REELYARD_CATALOG_FILE") as said:
        video.run(_shot(desk, "wan", model="sora"), desk)

    assert said.value.failure.kind is FailureKind.MODEL_MISSING


def test_the_packaged_model_draws_the_caption_and_continues_from_a_picture(
    desk: PlainDesk,
) -> None:
    desk.catalog = load_catalog()
    work = VideoWork(
        model="reelyard-demo",
        prompt="A red ship on the sea in a storm",
        width=448,
        height=256,
        fps=12,
        frames=17,
        steps=10,
        guidance=1.0,
        seed=3,
    )

    first = video.run(work, desk)
    onward = video.run(work.model_copy(update={"start_image": first.last_frame, "seed": 4}), desk)

    assert first.notes == ("'ship' is drawn as 'boat'", "the model does not know 'storm'")
    assert len(desk.held) == 1
    start = _last_frame(desk, first).astype(int)
    begins, ends = (_pictures(desk, onward.clip)[at].astype(int) for at in (0, -1))
    assert abs(begins - start).mean() < 4  # of 255: it takes up where the other left off
    assert abs(ends - start).mean() > abs(begins - start).mean()  # and moves on
