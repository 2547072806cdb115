"""How long a run takes, stage by stage: a roofline of three terms per call of the denoiser (matrix
products, attention, other traffic), plus text, VAE, copies of offloaded weights and the talk of a
gang. Pure; the laws are explained in docs/predicting.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from reelyard.catalog import Catalog, DenoiserCard, DeviceType, PictureCard, Role, VideoModel
from reelyard.plan import Attention, Plan, Precision
from reelyard.predict.gang import together
from reelyard.predict.memory import picture_card
from reelyard.predict.rates import INT8_EAGER, Rates, attention_rate, kernel_for, rates
from reelyard.predict.shape import Shape, Tokens, batch, calls_per_step, tokens
from reelyard.predict.span import Span
from reelyard.predict.transfer import copies, visit
from reelyard.predict.weights import Held, held, in_precision

FIXED_SECONDS = 1.5
"""Tokenizing, the scheduler's own arithmetic, first launches, pictures back to the host."""
FIXED_CPU_SECONDS = 0.05
TEXT_SHARE = 0.6
"""Encoders run short sequences: of the matrix rate of a denoiser."""


def spans(
    model: VideoModel, catalog: Catalog, shape: Shape, plan: Plan, device: DeviceType
) -> tuple[Span, ...]:
    """Every stage of a run whose model is in memory already, in order."""
    pace = rates(device, plan.precision, plan.compiled)
    parts = held(model, catalog, plan.precision)
    fixed = FIXED_CPU_SECONDS if device.architecture == "cpu" else FIXED_SECONDS
    made = [
        _encoding(model, shape, plan, device, parts, pace),
        *_start_image(model, shape, plan, device, parts, pace),
        _denoising(model, shape, plan, device, parts, pace),
        _picture(model, shape, plan, device, parts, pace, "decode"),
        Span("begin and end", fixed=fixed),
    ]
    return tuple(span for span in made if span.seconds > 0)


def _encoding(
    model: VideoModel,
    shape: Shape,
    plan: Plan,
    device: DeviceType,
    parts: Iterable[Held],
    pace: Rates,
) -> Span:
    """Text (and the start image's features): once per prompt, twice with guidance."""
    times = calls_per_step(model, shape) * batch(model, shape)
    matmul = memory = transfer = 0.0
    for part in parts:
        card = part.component.encoder
        if card is None:
            continue
        matmul += times * card.flops / (pace.matmul * TEXT_SHARE)
        memory += times * max(card.traffic_bytes, part.all) / pace.bytes
        transfer += visit(part, plan, device, visits=times)
    return Span("encode text", matmul=matmul, memory=memory, transfer=transfer)


def _start_image(
    model: VideoModel,
    shape: Shape,
    plan: Plan,
    device: DeviceType,
    parts: tuple[Held, ...],
    pace: Rates,
) -> Iterable[Span]:
    if shape.from_image or model.needs_image:
        yield _picture(model, shape, plan, device, parts, pace, "encode")


def _denoising(
    model: VideoModel,
    shape: Shape,
    plan: Plan,
    device: DeviceType,
    parts: tuple[Held, ...],
    pace: Rates,
) -> Span:
    """Every step calls one denoiser (of two experts, each has its steps)."""
    denoisers = [part for part in parts if part.role is Role.DENOISER]
    card = denoisers[0].component.denoiser
    if card is None:
        return Span("denoise")
    calls = shape.steps * calls_per_step(model, shape)
    count, samples = tokens(model, shape), batch(model, shape) / card.batch
    kernel = kernel_for(device, plan.attention)
    matmul = samples * _line(card.gemm_flops, count.all) / pace.matmul
    if plan.precision is Precision.INT8 and not plan.compiled:
        matmul *= INT8_EAGER
    attention = (
        samples
        * attention_flops(card, count)
        / attention_rate(device, kernel, card.head_dim, plan.precision)
    )
    wide = 2.0 if plan.precision is Precision.FP32 else 1.0
    memory = samples * wide * _line(card.traffic_bytes, count.all) / pace.bytes
    memory = max(memory, denoisers[0].all / pace.bytes)
    one = Span("denoise", calls * matmul, calls * attention, calls * memory)
    one = together(one, plan, card, count, calls, samples, device, denoisers[0])
    moved = copies(one, calls, plan, device, denoisers)
    return Span("denoise", one.matmul, one.attention, one.memory, one.transfer + moved)


def attention_flops(card: DenoiserCard, count: Tokens) -> float:
    """q1 S + q2 S^2 + q3 S P + q4 S T of one call."""
    alone, square, within, along = card.attention_flops
    return count.all * (
        alone + square * count.all + within * count.per_frame + along * count.frames
    )


def _line(law: tuple[float, float], count: int) -> float:
    return law[0] + law[1] * count


def _picture(
    model: VideoModel,
    shape: Shape,
    plan: Plan,
    device: DeviceType,
    parts: tuple[Held, ...],
    pace: Rates,
    way: str,
) -> Span:
    """The VAE, on one card whatever the gang."""
    vaes = [part for part in parts if part.role is Role.VAE]
    matmul = memory = transfer = 0.0
    for part, vae in zip(model.of(Role.VAE), vaes, strict=True):
        precision = in_precision(part, plan.precision)
        card = picture_card(vae, way, precision)
        if card is None:
            continue
        flops, moved = picture_work(card, shape, plan.vae_tiling)
        full = precision is Precision.FP32
        matmul += flops / (pace.convolution_fp32 if full else pace.convolution)
        memory += moved / pace.bytes
        transfer += visit(vae, plan, device, visits=1)
    name = "decode" if way == "decode" else "encode image"
    return Span(name, matmul=matmul, memory=memory, transfer=transfer)


def picture_work(card: PictureCard, shape: Shape, tiled: bool) -> tuple[float, float]:
    """Operations and bytes of decoding (or encoding) the film."""
    more = card.tiled_flops if tiled and card.tile else 1.0
    flops = card.flops[0] * shape.pixels + card.flops[1] * shape.pixel_frames
    moved = card.traffic_bytes[0] * shape.pixels + card.traffic_bytes[1] * shape.pixel_frames
    return max(0.0, flops) * more, max(0.0, moved) * more


def kernel_note(device: DeviceType, wanted: Attention) -> str:
    """What to say when the wanted kernel does not exist there; empty when it does."""
    runs = kernel_for(device, wanted)
    if runs is wanted:
        return ""
    return f"{wanted.value} attention does not run on a {device.id}: {runs.value} is used"
