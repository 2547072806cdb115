"""The same work on several devices: what divides, and what they have to tell each other. Pure.

Volumes follow from the shapes: hidden states are N x width in bf16. Published gangs of 2 to 8 cards
are in `bench/published`.
"""

from __future__ import annotations

from reelyard.catalog import DenoiserCard, DeviceType
from reelyard.plan import Plan, Split
from reelyard.predict.shape import Tokens
from reelyard.predict.span import Span
from reelyard.predict.weights import Held

UNEVEN = 0.01
"""Per further card: tokens do not divide evenly, small kernels fill a card less."""


def together(
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
