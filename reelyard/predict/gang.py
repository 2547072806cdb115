"""The same work on several devices: what divides, and what they have to tell each other. Pure.

Volumes follow from the shapes: hidden states are N x width in bf16. Published gangs of 2 to 8 cards
are in `bench/published`.
"""

from __future__ import annotations

from dataclasses import replace

from reelyard.catalog import DenoiserCard
from reelyard.plan import Gang, Plan, Split
from reelyard.predict.span import Span
from reelyard.predict.subject import Subject
from reelyard.predict.weights import Held

NO_LINK_GB_S = 1.0
"""Devices that nothing is known to join: 10 Gbit/s Ethernet."""
UNEVEN = 0.01
"""Per further card: tokens do not divide evenly, small kernels fill a card less."""


def together(one: Span, calls: int, plan: Plan, subject: Subject, part: Held) -> Span:
    """`one` device's denoising as a gang of n does it: compute divides, talk is added. Sharded
    weights are gathered anew in every call, in bf16 at most, over the same link, which nothing
    hides."""
    gang, card = plan.gang, part.component.denoiser
    if gang is None or card is None:
        return one
    n, rate = gang.devices, _link_rate(subject)
    shares = 1 if gang.split is Split.LAYERS else n
    longer = (1 + UNEVEN * (n - 1)) / shares if shares > 1 else 1.0
    shared = Span(
        "denoise",
        one.matmul * longer,
        one.attention * longer,
        one.memory * longer,
        calls * _talk(gang, card, subject) / rate,
    )
    weights = part.component.parameters * min(2.0, part.all / part.component.parameters)
    gathered = calls * weights * (n - 1) / n / rate if gang.sharded else 0.0
    return replace(shared, transfer=shared.transfer + gathered)


def _talk(gang: Gang, card: DenoiserCard, subject: Subject) -> float:
    """Bytes that each device sends in a call. Context: four all-to-all of its n-th of the hidden
    states a layer. Tensor: two all-reduces a layer. Layers: hidden states there and back.
    Guidance: latents only, nothing beside the rest."""
    n = gang.devices
    hidden = subject.tokens.all * subject.samples / card.batch * card.width * 2.0
    return {
        Split.CONTEXT: card.layers * 4 * hidden / n * (n - 1) / n,
        Split.TENSOR: card.layers * 2 * 2 * hidden * (n - 1) / n,
        Split.GUIDANCE: 0.0,
        Split.LAYERS: 2 * hidden * (n - 1),
    }[gang.split]


def _link_rate(subject: Subject) -> float:
    link = subject.device.link if subject.device else None
    return (link.gb_s.value if link else NO_LINK_GB_S) * 1e9
