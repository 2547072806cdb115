"""A shot that makes room after a step and goes on later draws what it would have drawn at once."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import CogVideoXDPMScheduler
from numpy.typing import NDArray

from reelyard.catalog import Catalog, VideoModel, load_catalog
from reelyard.clock import SystemClock
from reelyard.messages import RunTask
from reelyard.plan import Offload, Plan, Precision
from reelyard.settings import Settings
from reelyard.storage.disk import DiskStore
from reelyard.task import Checkpoint, VideoResult, VideoWork
from tests.support.desk import PlainDesk
from tests.support.tiny_engine import FAMILIES, a_shot, tiny_catalog, tiny_engine
from tests.support.tiny_pipelines import catalog_entry, make
from worker.desk import Stopped, Yielded
from worker.engine import Engine
from worker.engines.video.checkpoint import STATE_VERSION, Unusable, read, write
from worker.engines.video.course import Left
from worker.engines.video.render import Report, Visit
from worker.engines.video.resumable import CHANNEL_AXIS, MOVING, goes_on
from worker.steps import video
from worker.talk import Bench, Said

STEPS = 4


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
    tiny = tiny_catalog(folder)
    dpm = as_cogvideox_5b(folder)
    return Catalog(models={**tiny.models, dpm.id: dpm}, voices={}, styles={})


def as_cogvideox_5b(folder: Path) -> VideoModel:
    """CogVideoX with the scheduler of its larger models, which draws noise at each step and is
    handed back what it said at the step before."""
    where = make("cogvideox", folder / "dpm")
    CogVideoXDPMScheduler().save_pretrained(where / "scheduler")
    index = where / "model_index.json"
    index.write_text(index.read_text().replace("CogVideoXDDIMScheduler", "CogVideoXDPMScheduler"))
    entry = catalog_entry("cogvideox", str(where))
    return entry.model_copy(update={"id": "tiny-cogvideox-dpm"})


@pytest.fixture(scope="module")
def worker() -> PlainDesk:
    """Keeps what it has loaded from test to test."""
    return PlainDesk(Path(), DiskStore(Path()), Catalog(models={}, voices={}, styles={}))


@pytest.fixture
def desk(tmp_path: Path, catalog: Catalog, worker: PlainDesk) -> PlainDesk:
    folder = tmp_path / "desk"
    folder.mkdir()
    store = DiskStore(tmp_path / "store")
    return PlainDesk(folder, store, catalog, held=worker.held, variants=worker.variants)


def shot(desk: PlainDesk, family: str, **changes: Any) -> VideoWork:
    """A few frames in a few steps."""
    model = desk.catalog.models[f"tiny-{family}"]
    usual = {"steps": STEPS, "frames": model.min_frames}
    return a_shot(model).model_copy(update={**usual, **changes})


def left(work: VideoWork, desk: PlainDesk, after: int) -> Checkpoint:
    """Where the shot goes on when it has to make room after that step."""
    desk.said.clear()
    desk.yield_at = after
    with pytest.raises(Yielded) as said:
        video.run(work, desk)
    desk.yield_at = None
    assert desk.said[-1] == ("denoise", after, work.steps), "it was left at once"
    assert said.value.checkpoint is not None
    return said.value.checkpoint


def elsewhere(desk: PlainDesk, checkpoint: Checkpoint | None) -> PlainDesk:
    """Another worker, which shares the store and has loaded nothing."""
    folder = desk.folder.parent / f"desk-{len(list(desk.folder.parent.iterdir()))}"
    folder.mkdir()
    return PlainDesk(folder, desk.store, desk.catalog, desk.plan, checkpoint=checkpoint)


def later(desk: PlainDesk, checkpoint: Checkpoint) -> PlainDesk:
    """The same worker, which has kept what it had loaded."""
    again = elsewhere(desk, checkpoint)
    again.held, again.variants = desk.held, desk.variants
    return again


@pytest.fixture(autouse=True)
def _unencoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips are kept as the numbers they are: an encoder would forgive, or add, a difference."""

    def keep(pictures: NDArray[np.uint8], fps: int, path: Path) -> None:
        path.write_bytes(pictures.tobytes())

    monkeypatch.setattr(video, "write_clip", keep)


def drawn(desk: PlainDesk, result: VideoResult) -> NDArray[np.uint8]:
    """Every number of every picture."""
    return np.frombuffer(
        desk.store.fetch(result.clip.sha256, desk.folder / "seen").read_bytes(), np.uint8
    )


def are_equal(desk: PlainDesk, one: VideoResult, other: VideoResult) -> bool:
    """To the bit. Says by how much they are not."""
    apart = np.abs(drawn(desk, one).astype(int) - drawn(desk, other))
    print(f"{np.count_nonzero(apart)} of {apart.size} numbers are apart, by up to {apart.max()}")
    return not apart.any()


@pytest.mark.parametrize("family", [*FAMILIES, "cogvideox-dpm"])
def test_a_shot_that_was_left_draws_the_same_to_the_bit(desk: PlainDesk, family: str) -> None:
    work = shot(desk, family)
    whole = video.run(work, desk)

    result = video.run(work, elsewhere(desk, left(work, desk, 2)))

    assert are_equal(desk, result, whole)


def test_a_shot_that_was_left_twice_does_only_what_was_left_to_do(desk: PlainDesk) -> None:
    work = shot(desk, "wan")
    whole = video.run(work, desk)

    first = left(work, desk, 1)
    second_desk = elsewhere(desk, first)
    second = left(work, second_desk, 3)
    last_desk = elsewhere(desk, second)
    result = video.run(work, last_desk)

    assert (first.step, second.step, second.steps) == (1, 3, STEPS)
    assert are_equal(desk, result, whole)
    steps = [step for phase, step, _ in last_desk.said if phase == "denoise"]
    assert steps == [3, 4], "only what was left to do was done"
    assert last_desk.began_after == 3
    went_on = "went on after step 3 of 4, which an earlier try made"
    assert [note for note in result.notes if note not in whole.notes] == [went_on]


@pytest.mark.parametrize("family", ["wan", "ltx"])
def test_a_shot_that_starts_from_a_picture_goes_on_too(desk: PlainDesk, family: str) -> None:
    start = video.run(shot(desk, family, seed=9), desk).last_frame
    work = shot(desk, family, start_image=start)
    whole = video.run(work, desk)

    result = video.run(work, elsewhere(desk, left(work, desk, 2)))

    assert are_equal(desk, result, whole)


def test_the_demo_model_goes_on(desk: PlainDesk) -> None:
    desk.catalog = load_catalog()
    work = VideoWork(
        model="reelyard-demo",
        prompt="a red boat on the sea",
        width=128,
        height=128,
        fps=12,
        frames=17,
        steps=6,
        guidance=1.0,
        seed=3,
    )
    whole = video.run(work, desk)

    result = video.run(work, later(desk, left(work, desk, 4)))

    assert are_equal(desk, result, whole)


def test_one_that_was_left_after_its_last_step_has_only_to_be_decoded(desk: PlainDesk) -> None:
    work = shot(desk, "wan")
    whole = video.run(work, desk)

    again = later(desk, left(work, desk, STEPS))
    result = video.run(work, again)

    assert are_equal(desk, result, whole)
    assert [phase for phase, _, _ in again.said][-3:] == ["denoise", "decode", "store"]


@pytest.mark.parametrize(
    "plan",
    [
        Plan(offload=Offload.MODEL),
        Plan(offload=Offload.GROUP),
        Plan(offload=Offload.SEQUENTIAL),
        Plan(precision=Precision.AUTOCAST),
        Plan(precision=Precision.FP8),
    ],
    ids=Plan.sentence,
)
def test_hooks_and_casts_around_the_denoiser_are_there_again(catalog: Catalog, plan: Plan) -> None:
    engine = tiny_engine(catalog, "wan", plan)
    work = a_shot(catalog.models["tiny-wan"])
    quiet: Report = lambda *_: None  # noqa: E731

    whole, _ = engine.render(work, work.prompt, None, Visit(quiet))
    with pytest.raises(Left) as said:
        engine.render(work, work.prompt, None, Visit(quiet, lambda: True))
    place = said.value.place
    assert place is not None and place.step == 1
    rest, _ = engine.render(work, work.prompt, None, Visit(quiet, place=place))

    assert np.array_equal(rest, whole)
    assert np.array_equal(engine.render(work, work.prompt, None, Visit(quiet))[0], whole)


def test_half_precision_goes_on_to_the_bit_on_the_same_kind_of_device(desk: PlainDesk) -> None:
    desk.plan = Plan(precision=Precision.BF16)
    for family in ("wan", "ltx"):
        work = shot(desk, family)
        whole = video.run(work, desk)
        assert are_equal(desk, video.run(work, later(desk, left(work, desk, 2))), whole)


def test_one_that_should_leave_before_its_first_step_gives_back_what_it_got(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = shot(desk, "ltx")
    checkpoint = left(work, desk, 2)
    again = later(desk, checkpoint)
    monkeypatch.setattr(again, "should_yield", lambda: True)

    with pytest.raises(Yielded) as said:
        video.run(work, again)

    assert said.value.checkpoint == checkpoint
    assert [phase for phase, _, _ in again.said] == ["load"]


def test_steps_of_another_precision_are_used_and_told_of(desk: PlainDesk) -> None:
    work = shot(desk, "ltx")
    desk.plan = Plan(precision=Precision.BF16)
    checkpoint = left(work, desk, 2)

    desk.plan = Plan()
    result = video.run(work, later(desk, checkpoint))

    assert "which an earlier try made in bf16" in result.notes[-1]


def test_a_stop_leaves_the_engine_as_it_was_even_while_it_catches_up(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = shot(desk, "wan")
    whole = video.run(work, desk)
    desk.checkpoint = left(work, desk, 3)
    desk.stop_at = ("denoise", 4)
    with pytest.raises(Stopped):
        video.run(work, desk)
    desk.checkpoint = desk.stop_at = None
    pipeline = desk.held["tiny-wan"].pipeline
    assert "step" not in vars(pipeline.scheduler)
    assert "forward" not in vars(pipeline.transformer)
    assert are_equal(desk, video.run(work, desk), whole)


class Hurried(Engine):
    """Somebody more urgent comes while the first step is done."""

    is_hurried = True

    def say(self, said: Said) -> None:
        if said.phase == "denoise" and self.is_hurried:
            self._yielding.add(said.attempt_id)
        super().say(said)


def test_an_engine_tells_where_it_was_left_and_that_another_had_begun(
    tmp_path: Path, catalog: Catalog
) -> None:
    ours, theirs = Pipe()
    settings = Settings(allow_hub=False, store_url=(tmp_path / "store").as_uri())
    engine = Hurried(Bench("cpu", 8.0, tmp_path, settings), theirs, SystemClock())
    engine.catalog = catalog
    work = a_shot(catalog.models["tiny-ltx"])
    order = RunTask(
        attempt_id="a", task_id="t", job_id="j", device_id="cpu", work=work, timeout_seconds=60
    )

    engine.run(order)
    left = last_word(ours)
    engine.is_hurried = False
    engine.run(order.model_copy(update={"attempt_id": "b", "checkpoint": left.checkpoint}))
    made = last_word(ours)

    assert left.what == "preempted" and left.checkpoint is not None
    assert (left.checkpoint.step, left.measured.steps_before) == (1, 0)
    assert made.result is not None and "went on after step 1 of 3" in made.result.notes[-1]
    assert (made.measured.steps_before, made.measured.warm) == (1, True)


def last_word(pipe: Connection) -> Said:
    while True:
        said: Said = pipe.recv()
        if said.what in ("finished", "failed", "preempted"):
            return said


# What cannot be used


def test_a_checkpoint_that_is_gone_or_damaged_is_left_and_the_shot_begins_anew(
    desk: PlainDesk, tmp_path: Path
) -> None:
    work = shot(desk, "ltx")
    whole = video.run(work, desk)
    checkpoint = left(work, desk, 2)
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b'\x08\0\0\0\0\0\0\0{"a":1}\0' * 9)
    lost = checkpoint.artifact.model_copy(update={"sha256": "0" * 64})
    torn = desk.store.put(nonsense, "checkpoint.safetensors", "application/octet-stream")

    for artifact, why in ((lost, "the store does not have it"), (torn, "cannot be read")):
        again = later(desk, checkpoint.model_copy(update={"artifact": artifact}))
        result = video.run(work, again)
        assert are_equal(desk, result, whole)
        assert "began anew" in result.notes[-1] and why in result.notes[-1]
        assert again.began_after == 0


def test_a_checkpoint_of_other_work_or_another_version_is_not_used(desk: PlainDesk) -> None:
    work = shot(desk, "ltx")
    checkpoint = left(work, desk, 2)
    other = shot(desk, "ltx", seed=8)
    foreign = checkpoint.model_copy(update={"state_version": STATE_VERSION + 1})
    cases = [
        (other, checkpoint, "its work is another"),
        (work, foreign, f"it is of version {STATE_VERSION + 1}, not {STATE_VERSION}"),
        (shot(desk, "mochi"), checkpoint, "its model is tiny-ltx, not tiny-mochi"),
    ]
    for asked, given, why in cases:
        result = video.run(asked, later(desk, given))
        assert f"began anew: an earlier try's checkpoint was of no use ({why})" in result.notes


def test_a_checkpoint_that_does_not_fit_the_run_is_found_out_before_it_draws(
    desk: PlainDesk,
) -> None:
    """It says that it is of this work, and is not."""
    work = shot(desk, "ltx")
    whole = video.run(work, desk)
    longer = shot(desk, "ltx", frames=17)
    engine = desk.held["tiny-ltx"]
    path = desk.get(left(longer, desk, 2).artifact)
    lying = desk.folder / "lying"
    write(read(path, engine.belongs_to(longer)), engine.belongs_to(work), lying)
    artifact = desk.store.put(lying, "checkpoint.safetensors", "application/octet-stream")

    again = later(desk, Checkpoint(artifact=artifact, step=2, steps=STEPS))
    result = video.run(work, again)

    assert are_equal(desk, result, whole)
    assert "it has 4 steps of" in result.notes[-1]


def test_a_file_that_lacks_something_is_refused(desk: PlainDesk) -> None:
    work = shot(desk, "wan")
    path = desk.get(left(work, desk, 2).artifact)
    of = desk.held["tiny-wan"].belongs_to(work)
    place = read(path, of)
    assert place.step == 2 and place.precision == "fp32"
    del place.scheduler["last_sample"]
    write(place, of, path)
    artifact = desk.store.put(path, "checkpoint.safetensors", "application/octet-stream")

    result = video.run(work, later(desk, Checkpoint(artifact=artifact, step=2, steps=STEPS)))

    assert "it does not fit this run: 'last_sample'" in result.notes[-1]
    with pytest.raises(Unusable, match="cannot be read"):
        read(desk.folder / "no such file", of)


def test_a_pipeline_that_cannot_be_kept_makes_room_all_the_same(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(CHANNEL_AXIS, "LTXPipeline")  # type: ignore[arg-type]
    desk.yield_at = 2

    with pytest.raises(Yielded) as said:
        video.run(shot(desk, "ltx"), desk)

    assert said.value.checkpoint is None


# What is promised of a model before it runs


def test_which_models_can_go_on_is_read_from_their_folders(
    desk: PlainDesk, catalog: Catalog, tmp_path: Path
) -> None:
    assert all(goes_on(model, Path(model.repo)) for model in catalog.models.values())
    demo = load_catalog().models["reelyard-demo"]
    assert goes_on(demo, Path(video.__file__).parents[1] / "models" / "reelyard-demo")
    assert not goes_on(demo, tmp_path)


def test_a_scheduler_with_dice_of_its_own_is_not_promised(tmp_path: Path) -> None:
    where = make("ltx", tmp_path)
    model = catalog_entry("ltx", str(where))
    assert goes_on(model, where)
    file = where / "scheduler" / "scheduler_config.json"
    file.write_text(
        file.read_text().replace('"stochastic_sampling": false', '"stochastic_sampling": true')
    )
    assert not goes_on(model, where)


def test_an_unknown_pipeline_or_scheduler_is_not_promised(tmp_path: Path) -> None:
    where = make("wan", tmp_path)
    model = catalog_entry("wan", str(where))
    assert not goes_on(model.model_copy(update={"pipeline": "LTX2Pipeline"}), where)
    assert not goes_on(model.model_copy(update={"image_pipeline": "WanVACEPipeline"}), where)
    assert "HeunDiscreteScheduler" not in MOVING
