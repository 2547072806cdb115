"""Everything that is measured of one component, given the models that use it.

A component that several models share is measured for the one that asks most of it: the longest
prompt for an encoder, a film to start from for a VAE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reelyard.catalog import DenoiserCard, EncoderCard, PictureCard, Role, VideoModel
from reelyard.plan import Precision
from worker.engines.measure.build import Network, build
from worker.engines.measure.clips import picture_clips, tiled_clips
from worker.engines.measure.counts import Counts, count
from worker.engines.measure.denoiser import denoiser_card
from worker.engines.measure.encoder import encoder_card
from worker.engines.measure.picture import Subject, Way, is_picture_vae, picture_card

PRECISIONS = (Precision.BF16, Precision.FP32)


@dataclass(frozen=True, slots=True)
class Use:
    """A model, and what the component does in it."""

    model: VideoModel
    role: Role


@dataclass(frozen=True, slots=True)
class Measured:
    """What goes into the catalog beside class and configuration."""

    counts: Counts
    denoiser: DenoiserCard | None = None
    encoder: EncoderCard | None = None
    decode: Mapping[str, PictureCard] = field(default_factory=dict)
    encode: Mapping[str, PictureCard] = field(default_factory=dict)


def uses(component: str, models: Iterable[VideoModel]) -> tuple[Use, ...]:
    """Who uses the component, in the catalog's order."""
    return tuple(
        Use(model, part.role)
        for model in models
        for part in model.parts
        if part.component == component
    )


def measure(network: Network, used: Sequence[Use], tiles: bool = True) -> Measured:
    """Counts always, cards by what it does. `tiles`: tiled decodes too, which take minutes. Raises
    InvalidInput for what cannot be built, or a denoiser whose inputs are not known."""
    counts = count(build(network))
    roles = {use.role for use in used}
    if Role.DENOISER in roles:
        model = used[0].model
        return Measured(counts, denoiser=denoiser_card(network, model))
    if roles & {Role.TEXT, Role.IMAGE}:
        longest = max(used, key=lambda use: use.model.max_text_tokens)
        return Measured(counts, encoder=encoder_card(network, longest.model))
    if Role.VAE in roles and is_picture_vae(network):
        return _vae(network, counts, used, tiles)
    return Measured(counts)


def _vae(network: Network, counts: Counts, used: Sequence[Use], tiles: bool) -> Measured:
    decode = _cards(network, used[0].model, Way.DECODE, tiles)
    starting = [use.model for use in used if starts_from_picture(use.model)]
    if not starting:
        return Measured(counts, decode=decode)
    encode = _cards(network, max(starting, key=_needs_picture), Way.ENCODE, tiles)
    return Measured(counts, decode=decode, encode=encode)


def _cards(network: Network, model: VideoModel, way: Way, tiles: bool) -> dict[str, PictureCard]:
    clips = tiled_clips(model) if tiles else None
    return {
        precision.value: picture_card(
            Subject(network, model, precision, way), picture_clips(model), clips
        )
        for precision in PRECISIONS
    }


def starts_from_picture(model: VideoModel) -> bool:
    """Whether a clip of it can, or must, begin with a given picture."""
    return model.needs_image or model.image_pipeline is not None


def _needs_picture(model: VideoModel) -> bool:
    return model.needs_image
