"""Every plan for real, on tiny pipelines: what is held, what is computed, what is said to have run.

Offload is hooked from CPU to CPU here: the same hooks as on a GPU, but for the streams.
"""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.hooks.group_offloading import _GROUP_OFFLOADING
from numpy.typing import NDArray
from torch._inductor import config as inductor

from reelyard.catalog import Catalog, VideoModel, load_catalog
from reelyard.clock import SystemClock
from reelyard.failure import FailureKind
from reelyard.messages import RunTask
from reelyard.plan import Attention, Gang, Offload, Plan, Precision
from reelyard.settings import Settings
from reelyard.storage.disk import DiskStore
from reelyard.task import VideoWork
from tests.support.desk import PlainDesk
from tests.support.tiny_pipelines import PIPELINES, catalog_entry, make
from worker.desk import Stopped, TaskFailed
from worker.engine import Bench, Engine, Said
from worker.engines.demo.transformer import PlacedWan
from worker.engines.video import render
from worker.engines.video.attention import NoSuchKernel, chooses, find, kernel
from worker.engines.video.components import blocks, denoisers, networks, part_names
from worker.engines.video.load import load
from worker.engines.video.place import place
from worker.engines.video.precision import convert
from worker.engines.video.render import VideoEngine
from worker.steps import video

FAMILIES = list(PIPELINES)
NARROW = [Precision.AUTOCAST, Precision.BF16, Precision.FP8, Precision.INT8]
VISITS = [Offload.MODEL, Offload.GROUP, Offload.SEQUENTIAL]
CLOSE = 0.08
"""Mean difference over the spread of the picture; another seed differs by more than 0.3."""


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


@pytest.fixture(scope="module")
def in_full(catalog: Catalog) -> dict[str, NDArray[np.uint8]]:
    """Each family's pictures in fp32."""
    return {name: _drawn(_engine(catalog, name, Plan())) for name in FAMILIES}


def _model(catalog: Catalog, family: str) -> VideoModel:
    return catalog.models[f"tiny-{family}"]


def _engine(catalog: Catalog, family: str, plan: Plan) -> VideoEngine:
    """As `load_engine`, with hooks where a CPU would do without."""
    model = _model(catalog, family)
    loaded = load(model, model.repo, plan.precision, may_download=False)
    convert(loaded.pipeline, plan.precision, "cpu")
    place(loaded.pipeline, "cpu", plan.offload)
    engine = VideoEngine(model, loaded, "cpu", may_download=False)
    engine.follow(plan)
    return engine


def _shot(model: VideoModel, seed: int = 1) -> VideoWork:
    return VideoWork(
        model=model.id,
        prompt="a red circle moving left",
        width=64,
        height=64,
        fps=8,
        frames=2 * model.frame_step + 1,
        steps=3,
        guidance=3.0,
        seed=seed,
    )


def _drawn(engine: VideoEngine, seed: int = 1) -> NDArray[np.uint8]:
    work = _shot(engine._model, seed)
    return engine.render(work, work.prompt, None, lambda *_: None)[0]


def _apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(float) - other.astype(float)).mean() / one.std())


def _linears(denoiser: Any) -> list[Any]:
    """The linear layers of the blocks, but for those that make the norms' modulation."""
    return [
        layer
        for _, block in blocks(denoiser)
        for name, layer in block.named_modules()
        if isinstance(layer, torch.nn.Linear) and "norm" not in name
    ]


def _bytes(weight: Any) -> int:
    """Of a weight, or of the tensors that a quantised one is made of."""
    parts = [getattr(weight, name) for name in getattr(weight, "tensor_data_names", [])] or [weight]
    return sum(part.nelement() * part.element_size() for part in parts)


# Precision


@pytest.mark.parametrize("precision", NARROW)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_precision_draws_nearly_what_fp32_draws(
    catalog: Catalog, in_full: dict[str, NDArray[np.uint8]], family: str, precision: Precision
) -> None:
    drawn = _drawn(_engine(catalog, family, Plan(precision=precision)))

    assert 0 < _apart(in_full[family], drawn) < CLOSE


def test_another_seed_is_not_near(catalog: Catalog, in_full: dict[str, NDArray[np.uint8]]) -> None:
    """What `CLOSE` is worth."""
    for family in FAMILIES:
        assert _apart(in_full[family], _drawn(_engine(catalog, family, Plan()), seed=2)) > 0.3


def test_fp16_draws_nearly_what_fp32_draws(
    catalog: Catalog, in_full: dict[str, NDArray[np.uint8]]
) -> None:
    """One family: a CPU convolves fp16 slowly."""
    drawn = _drawn(_engine(catalog, "wan", Plan(precision=Precision.FP16)))

    assert 0 < _apart(in_full["wan"], drawn) < CLOSE / 8


@pytest.mark.parametrize("family", FAMILIES)
def test_fp8_stores_the_layers_of_every_denoiser_in_8_bits(catalog: Catalog, family: str) -> None:
    engine = _engine(catalog, family, Plan(precision=Precision.FP8))
    _drawn(engine)

    for denoiser in denoisers(engine.pipeline):
        assert {layer.weight.dtype for layer in _linears(denoiser)} == {torch.float8_e4m3fn}
        assert denoiser.dtype is torch.bfloat16


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_holds_fewer_bytes(catalog: Catalog, family: str) -> None:
    whole = denoisers(_engine(catalog, family, Plan(precision=Precision.BF16)).pipeline)
    narrow = denoisers(_engine(catalog, family, Plan(precision=Precision.INT8)).pipeline)

    assert len(whole) == len(narrow) == (2 if family == "wan2.2" else 1)
    for before, after in zip(whole, narrow, strict=True):
        assert {layer.weight.qdata.dtype for layer in _linears(after)} == {torch.int8}
        held = [sum(_bytes(layer.weight) for layer in _linears(one)) for one in (before, after)]
        assert held[1] < 0.62 * held[0]  # a half, and a scale for rows as short as these


def test_autocast_holds_fp32_and_multiplies_in_bf16(catalog: Catalog) -> None:
    engine = _engine(catalog, "wan2.2", Plan(precision=Precision.AUTOCAST))
    made = set()
    for denoiser in denoisers(engine.pipeline):
        assert {weight.dtype for weight in denoiser.parameters()} == {torch.float32}
        for layer in _linears(denoiser):
            layer.register_forward_hook(lambda _layer, _given, out: made.add(out.dtype))
    decoded = set()
    engine.pipeline.vae.decoder.conv_out.register_forward_hook(
        lambda _layer, _given, out: decoded.add(out.dtype)
    )
    _drawn(engine)

    assert made == {torch.bfloat16}
    assert decoded == {torch.float32}  # its VAE needs that, whatever surrounds it


@pytest.mark.parametrize(
    ("precision", "text", "denoiser", "vae"),
    [
        (Precision.FP32, torch.float32, torch.float32, torch.float32),
        (Precision.AUTOCAST, torch.bfloat16, torch.float32, torch.float32),
        (Precision.BF16, torch.bfloat16, torch.bfloat16, torch.float32),
        (Precision.FP16, torch.float16, torch.float16, torch.float32),
        (Precision.FP8, torch.bfloat16, torch.bfloat16, torch.float32),
        (Precision.INT8, torch.bfloat16, torch.bfloat16, torch.float32),
    ],
)
def test_each_part_is_held_as_the_catalog_says(
    catalog: Catalog,
    precision: Precision,
    text: torch.dtype,
    denoiser: torch.dtype,
    vae: torch.dtype,
) -> None:
    parts = _engine(catalog, "wan2.2", Plan(precision=precision)).pipeline.components

    assert parts["text_encoder"].dtype is text
    assert {parts[name].dtype for name in ("transformer", "transformer_2")} == {denoiser}
    assert parts["vae"].dtype is vae


def test_parts_are_found_under_the_pipelines_names(catalog: Catalog) -> None:
    for family in FAMILIES:
        model = _model(catalog, family)
        pipeline = load(model, model.repo, Precision.BF16, may_download=False).pipeline
        assert set(part_names(model)) == {
            name for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)
        }


# Offload


@pytest.mark.parametrize(
    ("family", "precision"),
    [(family, Precision.FP32) for family in FAMILIES]
    + [(family, narrow) for family in ("wan2.2", "cosmos") for narrow in NARROW],
)
@pytest.mark.parametrize("offload", VISITS)
def test_visiting_weights_draw_the_very_same_pictures(
    catalog: Catalog, family: str, offload: Offload, precision: Precision
) -> None:
    stays = _drawn(_engine(catalog, family, Plan(precision=precision)))

    visits = _engine(catalog, family, Plan(precision=precision, offload=offload))

    assert np.array_equal(_drawn(visits), stays)
    assert np.array_equal(_drawn(visits), stays)  # and a second time


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_are_single_blocks_and_all_else_has_its_own_visit(
    catalog: Catalog, family: str
) -> None:
    engine = _engine(catalog, family, Plan(offload=Offload.GROUP))
    pipeline = engine.pipeline
    moves: list[torch.device] = []
    pipeline.vae.to = moves.append

    _drawn(engine)

    for denoiser in denoisers(pipeline):
        groups = [_group(block) for _, block in blocks(denoiser)]
        assert groups and all(len(group.modules) == 1 for group in groups)
        assert _group(denoiser) is not None  # what lies outside of the blocks
    for _, network in networks(pipeline):
        hooked = any(_group(module) for module in network.modules())
        assert hooked is (network is not pipeline.vae)
    assert len(moves) == 2  # there, and back


def _group(module: Any) -> Any:
    registry = getattr(module, "_diffusers_hook", None)
    hook = registry.get_hook(_GROUP_OFFLOADING) if registry else None
    return hook.group if hook else None


def test_a_cpu_has_nowhere_to_offload_to_and_says_so(desk: PlainDesk) -> None:
    desk.plan = Plan(offload=Offload.GROUP, vae_tiling=True)

    video.run(_shot(_model(desk.catalog, "ltx")), desk)

    assert desk.plan_that_ran == Plan(vae_tiling=True)


# Attention


def test_without_the_kernel_torchs_own_runs_and_the_notes_say_why(desk: PlainDesk) -> None:
    work = _shot(_model(desk.catalog, "ltx"))
    desk.plan = Plan(precision=Precision.BF16)
    plain = video.run(work, desk)

    desk.plan = Plan(precision=Precision.BF16, attention=Attention.FLASH3)
    asked = video.run(work, desk)

    assert desk.plan_that_ran == Plan(precision=Precision.BF16)
    assert asked.last_frame.sha256 == plain.last_frame.sha256
    assert asked.notes == (
        "flash3 attention was not to be had (it needs a CUDA device, not cpu): ran with sdpa",
    )
    assert desk.loads == ["tiny-ltx"]
    desk.plan = Plan(precision=Precision.BF16)
    assert video.run(work, desk).notes == ()


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.AUTOCAST])
def test_kernels_of_half_precision_are_not_given_more(precision: Precision) -> None:
    plan = Plan(precision=precision, attention=Attention.SAGE)

    with pytest.raises(NoSuchKernel, match=f"half precision, not in {precision}"):
        kernel(plan, "cuda:0", (), may_download=False)


@pytest.mark.parametrize(
    ("wanted", "missing"), [(Attention.FLASH3, "Attention 3"), (Attention.SAGE, "sageattention")]
)
def test_a_kernel_that_is_not_installed_is_named(wanted: Attention, missing: str) -> None:
    with pytest.raises(NoSuchKernel, match=missing) as said:
        find(wanted, may_download=False)

    assert "hub" not in str(said.value)


def test_who_chooses_its_kernel_is_known(catalog: Catalog) -> None:
    found = {
        family: chooses(denoisers(_engine(catalog, family, Plan()).pipeline)[0])
        for family in FAMILIES
    }

    assert found == {
        "wan": True,
        "wan2.2": True,
        "ltx": True,
        "cosmos": True,
        "hunyuan": True,
        "cogvideox": False,
        "mochi": False,
    }
    assert chooses(PlacedWan.__new__(PlacedWan))


def test_a_kernel_that_fails_at_the_first_call_is_left_out_from_then_on(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when it was looked for."""
    monkeypatch.setattr(render, "kernel", lambda *_: "sage")
    work = _shot(_model(desk.catalog, "ltx"))
    desk.plan = Plan(precision=Precision.BF16, attention=Attention.SAGE)

    first = video.run(work, desk)
    again = video.run(work, desk)

    assert first.notes == again.notes
    assert "sage attention was not to be had (RuntimeError: Sage Attention" in first.notes[0]
    assert desk.plan_that_ran == Plan(precision=Precision.BF16)
    assert first.last_frame.sha256 == again.last_frame.sha256


# Compiling


def test_compiled_blocks_draw_the_same_within_rounding(
    catalog: Catalog, in_full: dict[str, NDArray[np.uint8]]
) -> None:
    torch._dynamo.reset()
    engine = _engine(catalog, "ltx", Plan(compiled=True))

    drawn = _drawn(engine)

    assert engine.plan.compiled
    assert engine._left_out() == ()
    assert _apart(in_full["ltx"], drawn) < 0.005
    assert all(
        block._compiled_call_impl for block in engine.pipeline.transformer.transformer_blocks
    )


@pytest.mark.parametrize("family", ["ltx", "cogvideox"])
def test_without_a_compiler_the_blocks_run_as_they_are(
    catalog: Catalog, in_full: dict[str, NDArray[np.uint8]], family: str
) -> None:
    torch._dynamo.reset()
    engine = _engine(catalog, family, Plan(compiled=True))

    with inductor.patch({"cpp.cxx": ("no-such-compiler",)}):
        drawn = _drawn(engine)

    assert np.array_equal(drawn, in_full[family])
    assert engine.plan == Plan()
    assert "compiling failed (InductorError: InvalidCxxCompiler" in engine._left_out()[0]


def test_want_of_memory_is_not_blamed_on_the_compiler(catalog: Catalog) -> None:
    engine = _engine(catalog, "ltx", Plan(compiled=True))

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    engine.pipeline.transformer.forward = full

    with pytest.raises(torch.OutOfMemoryError):
        _drawn(engine)
    assert engine.plan.compiled


def test_a_stop_is_not_taken_for_a_failure_of_the_plan(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "kernel", lambda *_: "native")
    desk.plan = Plan(precision=Precision.BF16, attention=Attention.SAGE)
    desk.stop_at = ("denoise", 1)

    with pytest.raises(Stopped):
        video.run(_shot(_model(desk.catalog, "ltx")), desk)

    assert desk.said.count(("denoise", 1, 3)) == 1


# Gangs


def test_a_gang_is_refused_before_loading_and_may_be_placed_otherwise(desk: PlainDesk) -> None:
    desk.plan = Plan(gang=Gang(devices=2))

    with pytest.raises(TaskFailed, match=r"one device, not on 2 devices \(context\)") as said:
        video.run(_shot(_model(desk.catalog, "ltx")), desk)

    assert said.value.failure.kind is FailureKind.UNKNOWN
    assert not desk.held


# What is loaded, and what is told


def test_only_what_the_weights_depend_on_loads_them_again(desk: PlainDesk) -> None:
    work = _shot(_model(desk.catalog, "ltx"))
    plans = [
        (Plan(precision=Precision.BF16), 1),
        (Plan(precision=Precision.BF16, vae_tiling=True), 1),
        (Plan(precision=Precision.BF16, offload=Offload.MODEL), 1),  # the same, on a CPU
        (Plan(precision=Precision.FP8), 2),
        (Plan(precision=Precision.FP8, attention=Attention.SAGE), 2),
        (Plan(precision=Precision.BF16), 3),
    ]

    for plan, loads in plans:
        desk.plan = plan
        video.run(work, desk)
        assert len(desk.loads) == loads
    assert list(desk.held) == ["tiny-ltx"]


def test_the_engine_tells_the_plan_that_ran_and_counts_another_variant_as_a_load(
    tmp_path: Path, catalog: Catalog
) -> None:
    ours, theirs = Pipe()
    settings = Settings(allow_hub=False, store_url=(tmp_path / "store").as_uri())
    engine = Engine(Bench("cpu", 8.0, tmp_path, settings), theirs, SystemClock())
    engine.catalog = Catalog(models=catalog.models, voices={}, styles={})
    work = _shot(_model(catalog, "ltx"))

    def run(plan: Plan) -> Said:
        engine.run(
            RunTask(
                attempt_id="a",
                task_id="t",
                job_id="j",
                device_id="cpu",
                work=work,
                plan=plan,
                timeout_seconds=60,
            )
        )
        return _finished(ours)

    bf16, fp8 = Plan(precision=Precision.BF16), Plan(precision=Precision.FP8)
    lean = Plan(precision=Precision.BF16, offload=Offload.GROUP, attention=Attention.FLASH3)
    first, narrow, again = run(lean), run(fp8), run(fp8)

    assert [said.measured.plan for said in (first, narrow, again)] == [bf16, fp8, fp8]
    assert [said.measured.warm for said in (first, narrow, again)] == [False, False, True]
    assert first.measured.load_seconds > 0 and narrow.measured.load_seconds > 0
    assert again.measured.load_seconds == 0
    assert list(narrow.resident) == ["tiny-ltx"]


def _finished(pipe: Connection) -> Said:
    """The last word of the attempt."""
    while True:
        said: Said = pipe.recv()
        assert said.what != "failed", said.failure
        if said.what == "finished":
            return said


def test_no_two_parts_of_a_model_share_a_name() -> None:
    """Each part under a name of its own."""
    for model in load_catalog().models.values():
        names = part_names(model)
        assert len(set(names)) == len(names)
        assert "transformer" in names
