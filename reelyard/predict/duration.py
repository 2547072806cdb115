"""How long a run takes, stage by stage: a roofline of three terms per call of the denoiser (matrix
products, attention, other traffic), plus text, VAE, copies of offloaded weights and the talk of a
gang. Pure; the laws are explained in docs/predicting.md.
"""

from __future__ import annotations

from reelyard.catalog import DenoiserCard, DeviceType, PictureCard, Role
from reelyard.plan import Attention, Plan, Precision
from reelyard.predict.gang import together
from reelyard.predict.memory import picture_card
from reelyard.predict.rates import INT8_EAGER, Rates, attention_rate, kernel_for, rates
from reelyard.predict.shape import Shape, Tokens
from reelyard.predict.span import Span
from reelyard.predict.subject import Subject, of_role
from reelyard.predict.transfer import copies, visit
from reelyard.predict.weights import Held, in_precision

FIXED_SECONDS = 1.5
"""Tokenizing, the scheduler's own arithmetic, first launches, pictures back to the host."""
FIXED_CPU_SECONDS = 0.05
TEXT_SHARE = 0.6
"""Encoders run short sequences: of the matrix rate of a denoiser."""


def spans(subject: Subject, plan: Plan, device: DeviceType) -> tuple[Span, ...]:
    """Every stage of a run whose model is in memory already, in order."""
    pace = rates(device, plan.precision, plan.compiled)
    made = [
        _encoding(subject, plan, pace),
        _picture(subject, plan, pace, "encode") if subject.starts_from_image else Span(""),
        _denoising(subject, plan, device, pace),
        _picture(subject, plan, pace, "decode"),
        Span("begin and end", fixed=FIXED_CPU_SECONDS if subject.is_cpu else FIXED_SECONDS),
    ]
    return tuple(span for span in made if span.seconds > 0)


def _encoding(subject: Subject, plan: Plan, pace: Rates) -> Span:
    """Text (and the start image's features): once per prompt, twice with guidance."""
    times = subject.calls * subject.samples
    matmul = memory = transfer = 0.0
    for part in subject.parts(plan.precision):
        card = part.component.encoder
        if card is None:
            continue
        matmul += times * card.flops / (pace.matmul * TEXT_SHARE)
        memory += times * max(card.traffic_bytes, part.all) / pace.bytes
        transfer += visit(part, plan, subject, visits=times)
    return Span("encode text", matmul=matmul, memory=memory, transfer=transfer)


def _denoising(subject: Subject, plan: Plan, device: DeviceType, pace: Rates) -> Span:
    """Every step calls one denoiser (of two experts, each has its steps)."""
    denoisers = of_role(subject.parts(plan.precision), Role.DENOISER)
    card = denoisers[0].component.denoiser
    if card is None:
        return Span("denoise")
    calls = subject.shape.steps * subject.calls
    one = _calls(calls, subject, plan, device, pace, denoisers[0], card)
    one = together(one, calls, plan, subject, denoisers[0])
    travels = one.transfer + copies(one, calls, plan, subject, denoisers)
    return Span("denoise", one.matmul, one.attention, one.memory, travels)


def _calls(
    calls: int,
    subject: Subject,
    plan: Plan,
    device: DeviceType,
    pace: Rates,
    part: Held,
    card: DenoiserCard,
) -> Span:
    """All calls of the denoiser on one device with its weights there."""
    count, share = subject.tokens, subject.samples / card.batch
    kernel = kernel_for(device, plan.attention)
    pairs = attention_rate(device, kernel, card.head_dim, plan.precision)
    wide = 2.0 if plan.precision is Precision.FP32 else 1.0
    slow = INT8_EAGER if plan.precision is Precision.INT8 and not plan.compiled else 1.0
    matmul = share * _line(card.gemm_flops, count.all) / pace.matmul * slow
    attention = share * attention_flops(card, count) / pairs
    moved = max(share * wide * _line(card.traffic_bytes, count.all), part.all)
    return Span("denoise", calls * matmul, calls * attention, calls * moved / pace.bytes)


def attention_flops(card: DenoiserCard, count: Tokens) -> float:
    """q1 S + q2 S^2 + q3 S P + q4 S T of one call."""
    alone, square, within, along = card.attention_flops
    one = alone + square * count.all + within * count.per_frame + along * count.frames
    return count.all * one


def _line(law: tuple[float, float], count: int) -> float:
    return law[0] + law[1] * count


def _picture(subject: Subject, plan: Plan, pace: Rates, way: str) -> Span:
    """The VAE, on one device whatever the gang."""
    vaes = of_role(subject.parts(plan.precision), Role.VAE)
    matmul = memory = transfer = 0.0
    for part, vae in zip(subject.model.of(Role.VAE), vaes, strict=True):
        precision = in_precision(part, plan.precision)
        card = picture_card(vae, way, precision)
        if card is None:
            continue
        flops, moved = picture_work(card, subject.shape, plan.vae_tiling)
        full = precision is Precision.FP32
        matmul += flops / (pace.convolution_fp32 if full else pace.convolution)
        memory += moved / pace.bytes
        transfer += visit(vae, plan, subject, visits=1)
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
