"""Precision and offload for real, on tiny pipelines: what is held, and what is drawn from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.hooks.group_offloading import _GROUP_OFFLOADING
from numpy.typing import NDArray

from reelyard.catalog import Catalog, load_catalog
from reelyard.plan import Offload, Plan, Precision
from tests.support.tiny_engine import (
    FAMILIES,
    apart,
    drawn_by,
    tiny_catalog,
    tiny_engine,
    tiny_model,
)
from worker.engines.video.components import blocks, denoisers, networks, part_names
from worker.engines.video.load import load

DRAWN = ["wan", "wan2.2", "ltx", "cogvideox", "hunyuan"]
"""Of every kind of attention, and with two denoisers; how weights are held is asked of all."""
NARROW = [Precision.AUTOCAST, Precision.BF16, Precision.FP8, Precision.INT8]
VISITS = [Offload.MODEL, Offload.GROUP, Offload.SEQUENTIAL]
CLOSE = 0.08
"""Mean difference over the spread of the picture; another seed differs by more than 0.3."""
Drawn = Callable[[str, Precision], NDArray[np.uint8]]


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


@pytest.fixture(scope="module")
def stays(catalog: Catalog) -> Drawn:
    """What a family draws when its weights stay on the device; each is drawn once."""

    @functools.cache
    def drawn(family: str, precision: Precision) -> NDArray[np.uint8]:
        return drawn_by(tiny_engine(catalog, family, Plan(precision=precision)))

    return drawn


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
@pytest.mark.parametrize("family", DRAWN)
def test_every_precision_draws_nearly_what_fp32_draws(
    stays: Drawn, family: str, precision: Precision
) -> None:
    assert 0 < apart(stays(family, Precision.FP32), stays(family, precision)) < CLOSE


def test_another_seed_is_not_near(catalog: Catalog, stays: Drawn) -> None:
    """What `CLOSE` is worth."""
    for family in DRAWN:
        other = drawn_by(tiny_engine(catalog, family, Plan()), seed=2)
        assert apart(stays(family, Precision.FP32), other) > 0.3


def test_fp16_draws_nearly_what_fp32_draws(stays: Drawn) -> None:
    """One family: a CPU convolves fp16 slowly."""
    assert 0 < apart(stays("wan", Precision.FP32), stays("wan", Precision.FP16)) < CLOSE / 8


@pytest.mark.parametrize("family", FAMILIES)
def test_fp8_stores_the_layers_of_every_denoiser_in_8_bits(catalog: Catalog, family: str) -> None:
    engine = tiny_engine(catalog, family, Plan(precision=Precision.FP8))
    drawn_by(engine)

    for denoiser in denoisers(engine.pipeline):
        assert {layer.weight.dtype for layer in _linears(denoiser)} == {torch.float8_e4m3fn}
        assert denoiser.dtype is torch.bfloat16


@pytest.mark.parametrize("family", FAMILIES)
def test_int8_holds_fewer_bytes(catalog: Catalog, family: str) -> None:
    whole = denoisers(tiny_engine(catalog, family, Plan(precision=Precision.BF16)).pipeline)
    narrow = denoisers(tiny_engine(catalog, family, Plan(precision=Precision.INT8)).pipeline)

    assert len(whole) == len(narrow) == (2 if family == "wan2.2" else 1)
    for before, after in zip(whole, narrow, strict=True):
        assert {layer.weight.qdata.dtype for layer in _linears(after)} == {torch.int8}
        held = [sum(_bytes(layer.weight) for layer in _linears(one)) for one in (before, after)]
        assert held[1] < 0.62 * held[0]  # a half, and a scale for rows as short as these


def test_autocast_holds_fp32_and_multiplies_in_bf16(catalog: Catalog) -> None:
    engine = tiny_engine(catalog, "wan2.2", Plan(precision=Precision.AUTOCAST))
    made = set()
    for denoiser in denoisers(engine.pipeline):
        assert {weight.dtype for weight in denoiser.parameters()} == {torch.float32}
        for layer in _linears(denoiser):
            layer.register_forward_hook(lambda _layer, _given, out: made.add(out.dtype))
    decoded = set()
    engine.pipeline.vae.decoder.conv_out.register_forward_hook(
        lambda _layer, _given, out: decoded.add(out.dtype)
    )
    drawn_by(engine)

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
    parts = tiny_engine(catalog, "wan2.2", Plan(precision=precision)).pipeline.components

    assert parts["text_encoder"].dtype is text
    assert {parts[name].dtype for name in ("transformer", "transformer_2")} == {denoiser}
    assert parts["vae"].dtype is vae


def test_parts_are_found_under_the_pipelines_names(catalog: Catalog) -> None:
    for family in FAMILIES:
        model = tiny_model(catalog, family)
        pipeline = load(model, model.repo, Precision.BF16, may_download=False).pipeline
        assert set(part_names(model)) == {
            name for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)
        }


# Offload


@pytest.mark.parametrize(
    ("family", "precision"),
    [(family, Precision.FP32) for family in DRAWN] + [("wan2.2", narrow) for narrow in NARROW],
)
@pytest.mark.parametrize("offload", VISITS)
def test_visiting_weights_draw_the_very_same_pictures(
    catalog: Catalog, stays: Drawn, family: str, offload: Offload, precision: Precision
) -> None:
    visits = tiny_engine(catalog, family, Plan(precision=precision, offload=offload))

    assert np.array_equal(drawn_by(visits), stays(family, precision))
    assert np.array_equal(drawn_by(visits), stays(family, precision))  # and a second time


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_are_single_blocks_and_all_else_has_its_own_visit(
    catalog: Catalog, family: str
) -> None:
    engine = tiny_engine(catalog, family, Plan(offload=Offload.GROUP))
    pipeline = engine.pipeline
    moves: list[torch.device] = []
    pipeline.vae.to = moves.append

    drawn_by(engine)

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


def test_no_two_parts_of_a_model_share_a_name() -> None:
    """Each part under a name of its own."""
    for model in load_catalog().models.values():
        names = part_names(model)
        assert len(set(names)) == len(names)
        assert "transformer" in names
