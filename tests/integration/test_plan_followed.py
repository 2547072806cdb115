"""Kernels, compiler, variants: what a device cannot follow is left out, and what ran is told."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._inductor import config as inductor

from reelyard.catalog import Catalog
from reelyard.clock import SystemClock
from reelyard.failure import FailureKind
from reelyard.messages import RunTask
from reelyard.plan import Attention, Gang, Offload, Plan, Precision
from reelyard.settings import Settings
from reelyard.storage.disk import DiskStore
from tests.support.desk import PlainDesk
from tests.support.tiny_engine import (
    FAMILIES,
    a_shot,
    apart,
    drawn_by,
    tiny_catalog,
    tiny_engine,
    tiny_model,
)
from worker.desk import Stopped, TaskFailed
from worker.engine import Engine
from worker.engines.demo.transformer import PlacedWan
from worker.engines.video import render
from worker.engines.video.attention import NoSuchKernel, chooses, find, kernel
from worker.engines.video.components import denoisers
from worker.steps import video
from worker.talk import Bench, Said


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors: more threads would spend their time waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return tiny_catalog(tmp_path_factory.mktemp("models"))


@pytest.fixture
def desk(tmp_path: Path, catalog: Catalog) -> PlainDesk:
    folder = tmp_path / "desk"
    folder.mkdir()
    return PlainDesk(folder, DiskStore(tmp_path / "store"), catalog)


def test_a_cpu_has_nowhere_to_offload_to_and_says_so(desk: PlainDesk) -> None:
    desk.plan = Plan(offload=Offload.GROUP, vae_tiling=True)

    video.run(a_shot(tiny_model(desk.catalog, "ltx")), desk)

    assert desk.plan_that_ran == Plan(vae_tiling=True)


# Attention


def test_without_the_kernel_torchs_own_runs_and_the_notes_say_why(desk: PlainDesk) -> None:
    work = a_shot(tiny_model(desk.catalog, "ltx"))
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
        family: chooses(denoisers(tiny_engine(catalog, family, Plan()).pipeline)[0])
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
    work = a_shot(tiny_model(desk.catalog, "ltx"))
    desk.plan = Plan(precision=Precision.BF16, attention=Attention.SAGE)

    first = video.run(work, desk)
    again = video.run(work, desk)

    assert first.notes == again.notes
    assert "sage attention was not to be had (RuntimeError: Sage Attention" in first.notes[0]
    assert desk.plan_that_ran == Plan(precision=Precision.BF16)
    assert first.last_frame.sha256 == again.last_frame.sha256


# Compiling


def test_compiled_blocks_draw_the_same_within_rounding(
    catalog: Catalog,
) -> None:
    plain = drawn_by(tiny_engine(catalog, "ltx", Plan()))
    torch._dynamo.reset()
    engine = tiny_engine(catalog, "ltx", Plan(compiled=True))

    drawn = drawn_by(engine)

    assert engine.plan.compiled
    assert engine._left_out() == ()
    assert apart(plain, drawn) < 0.005
    assert all(
        block._compiled_call_impl for block in engine.pipeline.transformer.transformer_blocks
    )


@pytest.mark.parametrize("family", ["ltx", "cogvideox"])
def test_without_a_compiler_the_blocks_run_as_they_are(catalog: Catalog, family: str) -> None:
    plain = drawn_by(tiny_engine(catalog, family, Plan()))
    torch._dynamo.reset()
    engine = tiny_engine(catalog, family, Plan(compiled=True))

    with inductor.patch({"cpp.cxx": ("no-such-compiler",)}):
        drawn = drawn_by(engine)

    assert np.array_equal(drawn, plain)
    assert engine.plan == Plan()
    assert "compiling failed (InductorError: InvalidCxxCompiler" in engine._left_out()[0]


def test_want_of_memory_is_not_blamed_on_the_compiler(catalog: Catalog) -> None:
    engine = tiny_engine(catalog, "ltx", Plan(compiled=True))

    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    engine.pipeline.transformer.forward = full

    with pytest.raises(torch.OutOfMemoryError):
        drawn_by(engine)
    assert engine.plan.compiled


def test_a_stop_is_not_taken_for_a_failure_of_the_plan(
    desk: PlainDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "kernel", lambda *_: "native")
    desk.plan = Plan(precision=Precision.BF16, attention=Attention.SAGE)
    desk.stop_at = ("denoise", 1)

    with pytest.raises(Stopped):
        video.run(a_shot(tiny_model(desk.catalog, "ltx")), desk)

    assert desk.said.count(("denoise", 1, 3)) == 1


# Gangs


def test_a_gang_is_refused_before_loading_and_may_be_placed_otherwise(desk: PlainDesk) -> None:
    desk.plan = Plan(gang=Gang(devices=2))

    with pytest.raises(TaskFailed, match=r"one device, not on 2 devices \(context\)") as said:
        video.run(a_shot(tiny_model(desk.catalog, "ltx")), desk)

    assert said.value.failure.kind is FailureKind.UNKNOWN
    assert not desk.held


# What is loaded, and what is told


def test_only_what_the_weights_depend_on_loads_them_again(desk: PlainDesk) -> None:
    work = a_shot(tiny_model(desk.catalog, "ltx"))
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
    work = a_shot(tiny_model(catalog, "ltx"))

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
