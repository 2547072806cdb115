"""The most memory a run holds at once, on the device and in the host's RAM.

Peak = max over the stages (text encoding, denoising, decoding) of resident weights + activations +
workspace: what `torch.cuda.max_memory_allocated` shows. Activations follow the laws of the catalog.
The bound adds what no counter of torch shows: the CUDA context, fragmentation, and the law's error.
Pure: no torch, no device is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reelyard.catalog import DenoiserCard, Part, PictureCard, Role
from reelyard.plan import Offload, Plan, Precision, Split
from reelyard.predict.shape import GIB, Shape
from reelyard.predict.subject import Subject, of_role
from reelyard.predict.weights import EIGHT_BITS, Held, in_precision

CONTEXT_GIB = 0.6
"""CUDA context, cuBLAS and cuDNN handles of one process: 0.3 to 0.8 GiB by card and driver."""
CPU_CONTEXT_GIB = 0.9
"""A process with torch, diffusers and transformers imported, measured as VmRSS: 0.6 to 0.9."""
FRAGMENTATION = 1.05
LAW_ERROR = 1.03
RUNTIME_RAM_GIB = 2.5
"""Python, torch and the libraries of one engine process on the host."""
PREFETCHED_BLOCKS = 2
PREFETCHED_LAYERS = 2
"""The one at work, and the one that is fetched meanwhile."""
AUTOCAST_ACTIVATIONS = 1.5
"""Autocast keeps residuals, norms and modulation in fp32: about half of what lives at the peak."""
TENSOR_ACTIVATIONS = 0.6
"""Of a layer's activations, what tensor parallelism splits is about 0.8 at two cards."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage's memory in GiB."""

    name: str
    weights_gib: float
    activations_gib: float

    @property
    def gib(self) -> float:
        """Both."""
        return self.weights_gib + self.activations_gib


@dataclass(frozen=True, slots=True)
class Footprint:
    """`peak_gib`: allocated at once, per device; `metered_gib`: what a worker's own meter would
    show of it (of the whole process on a CPU); `bound_gib`: with all that may come on top;
    `weights_gib`: the whole model as the plan holds it; `host_gib`: RAM of the node."""

    stages: tuple[Stage, ...]
    peak_gib: float
    metered_gib: float
    bound_gib: float
    weights_gib: float
    host_gib: float


def footprint(subject: Subject, plan: Plan) -> Footprint:
    """What the run takes under this plan."""
    parts = subject.parts(plan.precision)
    stages = tuple(_stages(subject, plan, parts))
    peak = max(stage.gib for stage in stages)
    context = CPU_CONTEXT_GIB if subject.is_cpu else CONTEXT_GIB
    return Footprint(
        stages=stages,
        peak_gib=peak,
        metered_gib=peak + context if subject.is_cpu else peak,
        bound_gib=peak * LAW_ERROR * FRAGMENTATION + context,
        weights_gib=sum(part.all for part in parts) / GIB,
        host_gib=0.0 if subject.is_one_pool else _host_gib(parts, plan),
    )


def _stages(subject: Subject, plan: Plan, parts: tuple[Held, ...]) -> Iterable[Stage]:
    offload = Offload.NONE if subject.is_one_pool else plan.offload
    encoders = of_role(parts, Role.TEXT, Role.IMAGE)
    denoisers, vaes = of_role(parts, Role.DENOISER), of_role(parts, Role.VAE)
    if encoders:
        act = max(_encoder_bytes(part) for part in encoders) * subject.samples
        yield _stage("encode text", _resident(encoders, parts, plan, offload), act)
    if subject.starts_from_image:
        act = _vae_bytes(subject, plan, "encode")
        yield _stage("encode image", _resident(vaes, parts, plan, offload), act)
    weights = _resident(denoisers, parts, plan, offload)
    act = _denoisers_bytes(subject, plan)
    if plan.precision in EIGHT_BITS:
        act = min(act, _in_sixteen_bits(subject, plan, offload) - weights)
    yield _stage("denoise", weights, act)
    act = _vae_bytes(subject, plan, "decode")
    yield _stage("decode", _resident(vaes, parts, plan, offload), act)


def _stage(name: str, weights: float, activations: float) -> Stage:
    return Stage(name, weights / GIB, activations / GIB)


def _resident(using: list[Held], parts: tuple[Held, ...], plan: Plan, offload: Offload) -> float:
    """Bytes of weights on one device while the components `using` are at work."""
    if offload is Offload.NONE:
        return sum(_share(part, plan) for part in parts)
    if offload is Offload.MODEL:
        return max((_share(part, plan) for part in using), default=0.0)
    return max((_streamed(part, offload) for part in using), default=0.0)


def _streamed(part: Held, offload: Offload) -> float:
    """Of a component that visits the device in pieces. One without blocks visits as a whole."""
    if not part.component.blocks:
        return part.all
    group = min(part.all, part.outside + PREFETCHED_BLOCKS * part.block)
    if offload is Offload.SEQUENTIAL:
        return min(group, PREFETCHED_LAYERS * part.leaf)
    return group


def _share(part: Held, plan: Plan) -> float:
    """A gang that shards or splits the weights holds a part of them on each device."""
    gang = plan.gang
    if gang is None or part.role not in (Role.DENOISER, Role.TEXT):
        return part.all
    if gang.sharded:
        return part.all / gang.devices + 2 * part.block
    if part.role is Role.DENOISER and gang.split in (Split.TENSOR, Split.LAYERS):
        return (part.all - part.outside) / gang.devices + part.outside
    return part.all


def _encoder_bytes(part: Held) -> float:
    return part.component.encoder.act_bytes if part.component.encoder else 0.0


def _denoisers_bytes(subject: Subject, plan: Plan) -> float:
    """Activations of the denoiser that has the most."""

    def count() -> float:
        denoisers = of_role(subject.parts(plan.precision), Role.DENOISER)
        return max(_denoise_bytes(part, subject, plan) for part in denoisers)

    return subject.once(("denoise", plan.precision, plan.gang), count)


def _denoise_bytes(part: Held, subject: Subject, plan: Plan) -> float:
    card = part.component.denoiser
    if card is None:
        return 0.0
    samples, count = subject.samples, subject.tokens.all
    act = activation_bytes(card, samples, plan, count)
    return act + _workspace(part, card, samples, plan, count)


def activation_bytes(card: DenoiserCard, samples: int, plan: Plan, count: int) -> float:
    """a0 + a1 S + a2 S^2, as measured in bf16; twice that in fp32."""
    spread, kept = (plan.gang.devices, plan.gang.split) if plan.gang else (1, None)
    per_token = (card.act_bytes[1] + card.act_square * count) * samples / card.batch
    spread_tokens = count / (spread if kept is Split.CONTEXT else 1)
    act = max(0.0, card.act_bytes[0] + per_token * spread_tokens)
    if kept is Split.TENSOR:
        act *= 1 - TENSOR_ACTIVATIONS * (1 - 1 / spread)
    if plan.precision is Precision.FP32:
        return act * 2
    return act * AUTOCAST_ACTIVATIONS if plan.precision is Precision.AUTOCAST else act


def _workspace(part: Held, card: DenoiserCard, samples: int, plan: Plan, count: int) -> float:
    """8-bit weights are widened a layer at a time; kernels that multiply integers leave 32-bit
    results as wide as the feed-forward layer (4 x width)."""
    if plan.precision is Precision.INT8:
        return part.leaf + 4.0 * 4 * card.width * count * samples
    return part.leaf if plan.precision is Precision.FP8 else 0.0


def _in_sixteen_bits(subject: Subject, plan: Plan, offload: Offload) -> float:
    """Denoising in bf16, which 8 bits never exceed: a layer that would is better left as it is."""
    wide = plan.model_copy(update={"precision": Precision.BF16})
    parts = subject.parts(Precision.BF16)
    weights = _resident(of_role(parts, Role.DENOISER), parts, wide, offload)
    return weights + _denoisers_bytes(subject, wide)


def _vae_bytes(subject: Subject, plan: Plan, way: str) -> float:
    """Of decoding the film, or encoding the picture that it starts from."""

    def count() -> float:
        vaes = of_role(subject.parts(plan.precision), Role.VAE)
        pairs = zip(subject.model.of(Role.VAE), vaes, strict=True)
        return sum(_one_vae(subject, plan, way, part, vae) for part, vae in pairs)

    return subject.once((way, plan.precision, plan.vae_tiling), count)


def _one_vae(subject: Subject, plan: Plan, way: str, part: Part, vae: Held) -> float:
    cards = _at_most(vae, way, in_precision(part, plan.precision))
    tiled = plan.vae_tiling
    return max((picture_bytes(card, subject.shape, tiled) for card in cards), default=0.0)


def _at_most(vae: Held, way: str, precision: Precision) -> tuple[PictureCard, ...]:
    """The card of this number format, and of those below: wider numbers never count as less, though
    half precision has a workspace that fp32 may do without."""
    cards = vae.component.decode if way == "decode" else vae.component.encode
    if precision is Precision.FP32:
        return tuple(cards.values())
    card = picture_card(vae, way, precision)
    return (card,) if card else ()


def picture_card(vae: Held, way: str, precision: Precision) -> PictureCard | None:
    """The card of this number format, or of the one that was measured."""
    cards = vae.component.decode if way == "decode" else vae.component.encode
    wanted = "fp32" if precision is Precision.FP32 else "bf16"
    return cards.get(wanted) or next(iter(cards.values()), None)


def picture_bytes(card: PictureCard, shape: Shape, tiled: bool) -> float:
    """c0 + c1 HW + c2 HWF; tiled: of one tile, and t0 + t1 HW + t2 HWF of kept and blended tiles,
    but never more than whole."""
    whole = _law(card.act_bytes, shape.pixels, shape.frames)
    if not tiled or not card.tile:
        return whole
    tile = min(shape.height, card.tile[0]) * min(shape.width, card.tile[1])
    in_tiles = _law(card.act_bytes, tile, shape.frames)
    in_tiles += _law(card.tiled_act_bytes, shape.pixels, shape.frames)
    return min(whole, in_tiles)


def _law(law: tuple[float, float, float], pixels: int, frames: int) -> float:
    return max(0.0, law[0] + law[1] * pixels + law[2] * pixels * frames)


def _host_gib(parts: tuple[Held, ...], plan: Plan) -> float:
    """RAM: the process, and weights that wait there. Prefetch pins a second copy of the denoiser
    beside the pages of its file."""
    if plan.offload is Offload.NONE:
        return RUNTIME_RAM_GIB
    waiting = sum(part.all for part in parts)
    if plan.offload is Offload.GROUP:
        waiting += max((p.all for p in parts if p.role is Role.DENOISER), default=0.0)
    return RUNTIME_RAM_GIB + waiting / GIB
