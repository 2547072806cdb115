"""How long a run takes, stage by stage: a roofline of three terms per call of the denoiser (matrix
products, attention, other traffic), plus text, VAE, copies of offloaded weights and the talk of a
gang. Pure; the laws are explained in docs/predicting.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reelyard.catalog import Catalog, DenoiserCard, DeviceType, PictureCard, Role, VideoModel
from reelyard.plan import Attention, Offload, Plan, Precision, Split
from reelyard.predict.memory import is_one_pool, picture_card
from reelyard.predict.rates import INT8_EAGER, Rates, attention_rate, kernel_for, rates
from reelyard.predict.shape import Shape, Tokens, batch, calls_per_step, tokens
from reelyard.predict.weights import BYTES, Held, held, in_precision

FIXED_SECONDS = 1.5
"""Tokenizing, the scheduler's own arithmetic, first launches, pictures back to the host."""
FIXED_CPU_SECONDS = 0.05
PAGEABLE_SHARE = 0.4
"""Of the rate of pinned copies, what ordinary memory reaches (6-10 of 24 GB/s on PCIe 4 x16)."""
UNEVEN = 0.01
"""Per further card: tokens do not divide evenly, small kernels fill a card less."""
TEXT_SHARE = 0.6
"""Encoders run short sequences: of the matrix rate of a denoiser."""
READ_GB_S = 2.0
"""Of a disk that nobody has measured: an NVMe drive behind a file system."""
CAST_GB_S = 4.0
"""Weights that are stored in another format than they are held in are cast by the host."""


@dataclass(frozen=True, slots=True)
class Span:
    """One stage's seconds and where they go. `transfer`: copies and talk that nothing hides."""

    name: str
    matmul: float = 0.0
    attention: float = 0.0
    memory: float = 0.0
    transfer: float = 0.0
    fixed: float = 0.0

    @property
    def seconds(self) -> float:
        """All of it."""
        return self.matmul + self.attention + self.memory + self.transfer + self.fixed

    @property
    def bound_by(self) -> str:
        """The largest term."""
        terms = ("matmul", "attention", "memory", "transfer", "fixed")
        return max(terms, key=lambda term: float(getattr(self, term)))


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
        transfer += _visit(part, plan, device, visits=times)
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
    wide = BYTES[plan.precision] / 2 if plan.precision is Precision.FP32 else 1.0
    memory = samples * wide * _line(card.traffic_bytes, count.all) / pace.bytes
    memory = max(memory, denoisers[0].all / pace.bytes)
    one = Span("denoise", calls * matmul, calls * attention, calls * memory)
    one = _together(one, plan, card, count, calls, samples, device, denoisers[0])
    copies = _copies(one, calls, plan, device, denoisers)
    return Span("denoise", one.matmul, one.attention, one.memory, one.transfer + copies)


def attention_flops(card: DenoiserCard, count: Tokens) -> float:
    """q1 S + q2 S^2 + q3 S P + q4 S T of one call."""
    alone, square, within, along = card.attention_flops
    return count.all * (
        alone + square * count.all + within * count.per_frame + along * count.frames
    )


def _line(law: tuple[float, float], count: int) -> float:
    return law[0] + law[1] * count


def _together(
    one: Span,
    plan: Plan,
    card: DenoiserCard,
    count: Tokens,
    calls: int,
    samples: float,
    device: DeviceType,
    part: Held,
) -> Span:
    """The same work on a gang of n: compute divides, talk is added.

    Context: four all-to-all of N x width x 2 bytes a layer, each card sends (n-1)/n of its n-th.
    Tensor: two all-reduces a layer, 2 (n-1)/n of N x width x 2 bytes. Guidance: latents only.
    Layers: the cards take turns, so only the memory divides; hidden states cross the link.
    """
    gang = plan.gang
    if gang is None:
        return one
    n, link = gang.devices, (device.link.gb_s.value if device.link else 1.0) * 1e9
    hidden = count.all * samples * card.width * 2.0
    shares = n if gang.split is not Split.LAYERS else 1
    uneven = 1 + UNEVEN * (n - 1) if shares > 1 else 1.0
    talk = {
        Split.CONTEXT: card.layers * 4 * hidden / n * (n - 1) / n,
        Split.TENSOR: card.layers * 2 * 2 * hidden * (n - 1) / n,
        Split.GUIDANCE: 0.0,
        Split.LAYERS: 2 * hidden * (n - 1),
    }[gang.split]
    parallel = Span(
        "denoise",
        one.matmul / shares * uneven,
        one.attention / shares * uneven,
        one.memory / shares * uneven,
        calls * talk / link,
    )
    gathered = calls * part.all * (n - 1) / n / link if gang.sharded else 0.0
    unseen = max(0.0, gathered - parallel.seconds)
    return Span(
        "denoise", parallel.matmul, parallel.attention, parallel.memory, parallel.transfer + unseen
    )


def _copies(one: Span, calls: int, plan: Plan, device: DeviceType, denoisers: list[Held]) -> float:
    """Seconds that offloaded weights add: `group` streams them beside the work of every call,
    `sequential` before it, `model` once a job and back."""
    rate = _copy_rate(device)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    if plan.offload is Offload.MODEL:
        return sum(2 * part.all for part in denoisers) / (rate * PAGEABLE_SHARE)
    moved = calls * denoisers[0].all
    if plan.offload is Offload.GROUP:
        return max(0.0, moved / rate - (one.matmul + one.attention + one.memory))
    return moved / (rate * PAGEABLE_SHARE)


def _visit(part: Held, plan: Plan, device: DeviceType, visits: int) -> float:
    """An encoder or a VAE that waits in RAM comes once for each use."""
    rate = _copy_rate(device)
    if rate is None or plan.offload is Offload.NONE:
        return 0.0
    times = visits if plan.offload is Offload.SEQUENTIAL else 1
    return times * part.all / (rate * PAGEABLE_SHARE)


def _copy_rate(device: DeviceType) -> float | None:
    """Bytes a second between RAM and device; None where they are one."""
    if is_one_pool(device) or device.host_gb_s is None:
        return None
    return device.host_gb_s.value * 1e9


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
        transfer += _visit(vae, plan, device, visits=1)
    name = "decode" if way == "decode" else "encode image"
    return Span(name, matmul=matmul, memory=memory, transfer=transfer)


def picture_work(card: PictureCard, shape: Shape, tiled: bool) -> tuple[float, float]:
    """Operations and bytes of decoding (or encoding) the film."""
    more = card.tiled_flops if tiled and card.tile else 1.0
    flops = card.flops[0] * shape.pixels + card.flops[1] * shape.pixel_frames
    moved = card.traffic_bytes[0] * shape.pixels + card.traffic_bytes[1] * shape.pixel_frames
    return max(0.0, flops) * more, max(0.0, moved) * more


def load_seconds(
    model: VideoModel,
    catalog: Catalog,
    plan: Plan,
    device: DeviceType,
    read_gb_s: float | None = None,
) -> float:
    """From disk into the device's memory; zero is for whoever knows that it is there already.

    Reading and casting follow one another; the copy to the device adds its own time unless the
    weights stay in RAM.
    """
    disk = cast = held_bytes = 0.0
    for part, now in zip(model.parts, held(model, catalog, plan.precision), strict=True):
        size = now.component.parameters * BYTES[part.disk]
        disk += size
        held_bytes += now.all
        if part.disk is not in_precision(part, plan.precision):
            cast += size
    seconds = disk / ((read_gb_s or READ_GB_S) * 1e9) + cast / (CAST_GB_S * 1e9)
    rate = _copy_rate(device)
    if rate is not None and plan.offload is Offload.NONE:
        seconds += held_bytes / (rate * PAGEABLE_SHARE)
    return seconds


def kernel_note(device: DeviceType, wanted: Attention) -> str:
    """What to say when the wanted kernel does not exist there; empty when it does."""
    runs = kernel_for(device, wanted)
    if runs is wanted:
        return ""
    return f"{wanted.value} attention does not run on a {device.id}: {runs.value} is used"
