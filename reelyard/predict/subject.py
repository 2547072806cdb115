"""What a prediction is about: a model asked for a shape on a type of device. Pure.

Counts are made once, and the weights once per number format, because every plan asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from reelyard.catalog import Catalog, DeviceType, GuidanceBy, Role, VideoModel
from reelyard.plan import Precision
from reelyard.predict.shape import Shape, Tokens, tokens
from reelyard.predict.weights import Held, held


@dataclass(frozen=True, slots=True)
class Subject:
    """A model, a shape and a device type (None: a GPU of no known type)."""

    model: VideoModel = field(repr=False)
    catalog: Catalog = field(repr=False)
    shape: Shape
    device: DeviceType | None = field(repr=False)
    tokens: Tokens
    calls: int
    """Calls of the denoiser in a step: guidance by calls doubles them."""
    samples: int
    """Samples in a call: guidance by batch doubles them."""
    _parts: dict[Precision, tuple[Held, ...]] = field(default_factory=dict, repr=False)
    _bytes: dict[Hashable, float] = field(default_factory=dict, repr=False)

    def parts(self, precision: Precision) -> tuple[Held, ...]:
        """Every component as it is held in this number format."""
        if precision not in self._parts:
            self._parts[precision] = held(self.model, self.catalog, precision)
        return self._parts[precision]

    def once(self, key: Hashable, count: Callable[[], float]) -> float:
        """Bytes that many plans share, counted once."""
        if key not in self._bytes:
            self._bytes[key] = count()
        return self._bytes[key]

    @property
    def starts_from_image(self) -> bool:
        """A picture is encoded before the first step."""
        return self.shape.from_image or self.model.needs_image

    @property
    def is_cpu(self) -> bool:
        """On the processor itself."""
        return self.device is not None and self.device.is_cpu

    @property
    def is_one_pool(self) -> bool:
        """RAM and VRAM are the same memory: weights have nowhere else to wait."""
        return self.device is not None and self.device.is_one_pool


def subject(
    model: VideoModel, catalog: Catalog, shape: Shape, device: DeviceType | None
) -> Subject:
    """The subject with its counts."""
    by = model.guidance_by
    return Subject(
        model=model,
        catalog=catalog,
        shape=shape,
        device=device,
        tokens=tokens(model, shape),
        calls=2 if shape.guided and by is GuidanceBy.CALLS else 1,
        samples=2 if shape.guided and by is GuidanceBy.BATCH else 1,
    )


def of_role(parts: tuple[Held, ...], *roles: Role) -> list[Held]:
    """The components in these roles."""
    return [part for part in parts if part.role in roles]
