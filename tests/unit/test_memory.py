"""Predicted memory against figures that were counted on the real architectures (meta device), and
what must hold between plans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelyard.catalog import VideoModel
from reelyard.plan import Offload, Plan, Precision
from reelyard.predict.memory import (
    CONTEXT_GIB,
    FRAGMENTATION,
    peak_gib,
    plans,
    tokens,
    weights_gib,
)
from tests.support.core_values import CATALOG, DEMO

BF16 = Precision.BF16
WAN, WAN_14B = CATALOG.models["wan2.1-t2v-1.3b"], CATALOG.models["wan2.1-t2v-14b"]


def stages(model: VideoModel, size: tuple[int, int, int], plan: Plan) -> float:
    """The peak without what every run on a GPU adds."""
    return (peak_gib(model, *size, plan, "cuda") - CONTEXT_GIB["cuda"]) / FRAGMENTATION


@pytest.mark.parametrize(
    ("model", "size", "counted_gib"),
    [
        ("wan2.1-t2v-1.3b", (832, 480, 81), 4.16),
        ("wan2.1-t2v-14b", (832, 480, 81), 30.2),
        ("wan2.1-t2v-14b", (1280, 720, 81), 34.7),
        ("wan2.2-ti2v-5b", (1280, 704, 121), 11.5),
        ("cogvideox-2b", (720, 480, 49), 4.75),
        ("cogvideox-5b", (720, 480, 49), 13.0),
        ("hunyuanvideo", (960, 544, 129), 30.9),
        ("hunyuanvideo", (1280, 720, 129), 36.3),
        ("mochi-1-preview", (848, 480, 85), 23.2),
        ("ltx-video", (704, 512, 161), 4.49),
        ("cosmos-1.0-diffusion-7b-text2world", (1280, 704, 121), 19.6),
    ],
)
def test_a_denoising_pass_is_predicted_as_it_was_counted(
    model: str, size: tuple[int, int, int], counted_gib: float
) -> None:
    """Transformer and activations, without encoder and decode."""
    only = {"text_encoder_billion": 0.0, "vae_billion": 0.0}
    no_decode = {"decode_kib_per_pixel": 0.0, "decode_bytes_per_pixel_frame": 0.0}
    bare = CATALOG.models[model].model_copy(update={**only, **no_decode})
    assert stages(bare, size, Plan(precision=BF16)) == pytest.approx(counted_gib, rel=0.025)


@pytest.mark.parametrize(("size", "counted_gib"), [((832, 480, 81), 8.09), ((1280, 720, 81), 18.0)])
def test_wan_s_decode_in_full_precision(size: tuple[int, int, int], counted_gib: float) -> None:
    bare = WAN.model_copy(update={"text_encoder_billion": 0.0, "transformer_billion": 1e-9})
    bare = bare.model_copy(update={"act_kib_per_token": 0.0})
    assert stages(bare, size, Plan(precision=BF16)) == pytest.approx(counted_gib, rel=0.01)
    tiled = stages(bare, size, Plan(precision=BF16, vae_tiling=True))
    assert tiled < counted_gib / 2


def test_the_weights_of_wan() -> None:
    assert weights_gib(WAN, BF16) == pytest.approx((2.65, 10.58, 0.47), abs=0.02)
    full = weights_gib(WAN, Precision.FP32)
    assert full[0] == pytest.approx(2 * weights_gib(WAN, BF16)[0])
    assert full[2] == weights_gib(WAN, BF16)[2]  # the VAE decodes in full precision always


def test_tokens_of_wan() -> None:
    assert tokens(WAN, 832, 480, 81) == 21 * 52 * 30


def test_offload_holds_one_part_at_a_time() -> None:
    whole = stages(WAN, (832, 480, 81), Plan(precision=BF16))
    spared = stages(WAN, (832, 480, 81), Plan(precision=BF16, offload=Offload.MODEL))
    assert whole == pytest.approx(2.65 + 10.58 + 8.09, rel=0.02)
    assert spared == pytest.approx(10.58 * 1.05, rel=0.02)  # the text encoder is the largest


def test_the_demo_model_fits_anywhere() -> None:
    model = CATALOG.models[DEMO]
    size = (model.width, model.height, model.longest_clip)
    assert peak_gib(model, *size, plans(model, "cpu")[0], "cpu") < 2.0


@pytest.mark.parametrize("kind", ["cpu", "cuda", "jetson"])
@pytest.mark.parametrize("model", sorted(CATALOG.models))
def test_plans_are_for_the_device(model: str, kind: str) -> None:
    entry = CATALOG.models[model]
    ways = plans(entry, kind)
    assert len(set(ways)) == len(ways)
    assert {way.precision for way in ways} == {Precision.FP32 if kind == "cpu" else entry.precision}
    assert any(way.offload is not Offload.NONE for way in ways) == (kind == "cuda")


@given(
    model=st.sampled_from(sorted(CATALOG.models)),
    blocks=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    steps=st.integers(1, 20),
    kind=st.sampled_from(["cpu", "cuda"]),
)
def test_more_pixels_and_more_frames_never_need_less(
    model: str, blocks: tuple[int, int], steps: int, kind: str
) -> None:
    entry = CATALOG.models[model]
    width, height = (64 * count for count in blocks)
    frames = entry.frames_for(steps * entry.frame_step)
    for plan in plans(entry, kind):
        peak = peak_gib(entry, width, height, frames, plan, kind)
        assert peak > CONTEXT_GIB[kind]
        assert peak_gib(entry, width + 64, height, frames, plan, kind) >= peak
        assert peak_gib(entry, width, height, frames + entry.frame_step, plan, kind) >= peak
