"""The backgrounds of the demo world: four plain colours and four picture-book views.

A view is a function of the place in the picture and of the part of the clip that has passed:
waves drift by whole wavelengths in one clip, so that two clips join. Also says which part of a
view stands in front of a rising sun (`horizon`) or of a boat's keel (`near`). Never draws figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import torch
from torch import Tensor

from training.figures import Rgb

PLAIN: Final[dict[str, Rgb]] = {
    "black": (0.03, 0.03, 0.04),
    "gray": (0.46, 0.46, 0.47),
    "pink": (1.0, 0.70, 0.78),
    "teal": (0.0, 0.42, 0.44),
}


@dataclass
class View:
    """A picture in the making: colours and the two masks, all [.., h, w]."""

    rgb: Tensor
    x: Tensor  # in heights, 0 at the left
    y: Tensor  # 0 at the top, 1 at the bottom
    horizon: Tensor
    near: Tensor

    def below(self, edge: Tensor | float, softness: float = 1.0) -> Tensor:
        return ((self.y - edge) * self.y.shape[0] / softness + 0.5).clamp(0, 1)

    def paint(self, cover: Tensor, colour: Rgb) -> None:
        self.rgb = torch.lerp(self.rgb, torch.tensor(colour)[:, None, None], cover)

    def layer(self, cover: Tensor, colour: Rgb, near: bool = False) -> None:
        self.paint(cover, colour)
        self.horizon = torch.maximum(self.horizon, cover)
        if near:
            self.near = torch.maximum(self.near, cover)

    def disc(self, x: float, y: float, radius: float) -> Tensor:
        away = ((self.x - x) ** 2 + (self.y - y) ** 2).sqrt()
        return ((radius - away) * self.y.shape[0] + 0.5).clamp(0, 1)


def _blank(height: int, width: int, top: Rgb, bottom: Rgb, until: float) -> View:
    y, x = torch.meshgrid(
        (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / height, indexing="ij"
    )
    part = (y / until).clamp(0, 1)
    rgb = torch.lerp(torch.tensor(top)[:, None, None], torch.tensor(bottom)[:, None, None], part)
    nothing = torch.zeros(height, width)
    return View(rgb, x, y, nothing, nothing)


def _wave(v: View, edge: float, swell: float, count: int, shift: float) -> Tensor:
    wide = v.x / (v.x.shape[1] / v.x.shape[0])
    return v.below(edge + swell * torch.sin(math.tau * (count * wide + shift)))


def sky(height: int, width: int, part: float) -> View:
    v = _blank(height, width, (0.30, 0.62, 0.88), (0.74, 0.89, 0.95), 1.0)
    aspect = width / height
    for x, y, s in ((0.16, 0.20, 1.0), (0.84, 0.34, 0.8), (0.42, 0.90, 1.2)):
        x *= aspect
        puff = torch.zeros_like(v.x)
        for dx, dy, r in (
            (-0.10, 0.015, 0.045),
            (-0.03, -0.02, 0.075),
            (0.06, 0, 0.06),
            (0.12, 0.02, 0.04),
        ):
            puff = torch.maximum(puff, v.disc(x + dx * s, y + dy * s, r * s))
        v.paint(puff * 0.55, (0.93, 0.97, 0.99))
    return v


def sea(height: int, width: int, part: float) -> View:
    v = _blank(height, width, (0.55, 0.70, 0.88), (0.99, 0.82, 0.68), 0.64)
    v.layer(_wave(v, 0.64, 0.006, 3, -part), (0.30, 0.60, 0.70))
    v.layer(_wave(v, 0.73, 0.014, 3, part), (0.19, 0.49, 0.62))
    v.layer(_wave(v, 0.84, 0.018, 2, 0.4 + part), (0.10, 0.36, 0.52), near=True)
    return v


def hills(height: int, width: int, part: float) -> View:
    v = _blank(height, width, (0.42, 0.70, 0.88), (0.90, 0.93, 0.80), 0.62)
    v.layer(_wave(v, 0.58, 0.045, 2, 0.1), (0.62, 0.76, 0.66))
    v.layer(_wave(v, 0.68, 0.040, 1, 0.45), (0.50, 0.68, 0.45))
    v.layer(_wave(v, 0.84, 0.030, 1, 0.0), (0.38, 0.56, 0.34), near=True)
    return v


STARS: Final = tuple(
    (
        0.02 + 0.96 * (0.5 + 0.754878 * k) % 1.0,
        0.04 + 0.50 * ((0.5 + 0.569840 * k) % 1.0),
        0.005 + 0.004 * (k % 3),
    )
    for k in range(26)
)


def night(height: int, width: int, part: float) -> View:
    v = _blank(height, width, (0.04, 0.06, 0.18), (0.20, 0.22, 0.44), 0.75)
    for x, y, radius in STARS:
        v.paint(v.disc(x * width / height, y, radius) * 0.9, (0.95, 0.92, 0.78))
    v.layer(_wave(v, 0.70, 0.035, 2, 0.3), (0.10, 0.13, 0.27))
    v.layer(_wave(v, 0.84, 0.025, 1, 0.1), (0.05, 0.07, 0.16), near=True)
    return v


VIEWS: Final[dict[str, Callable[[int, int, float], View]]] = {
    "sky": sky,
    "sea": sea,
    "hills": hills,
    "night": night,
}
GROUNDS: Final = (*PLAIN, *VIEWS)
PHASES: Final = 48  # pictures kept of the waves in one clip


@dataclass(frozen=True)
class Backdrops:
    """All pictures of all grounds in one row; a still ground has one picture, the sea has many."""

    rgb: Tensor  # [picture, 3, h, w]
    horizon: Tensor  # [picture, h, w]
    near: Tensor
    first: Tensor  # [ground]: index of its first picture
    count: Tensor

    def index(self, ground: Tensor, part: Tensor) -> Tensor:
        """The picture of a ground when `part` of the clip has passed."""
        count = self.count[ground]
        return self.first[ground] + (part * count).round().long() % count


@lru_cache(maxsize=8)
def backdrops(height: int, width: int) -> Backdrops:
    """Drawn at twice the size and reduced, so that thin things do not flicker."""
    views = [_views(name, 2 * height, 2 * width) for name in GROUNDS]
    flat = [v for some in views for v in some]
    half = torch.nn.functional.avg_pool2d
    count = torch.tensor([len(some) for some in views])
    return Backdrops(
        rgb=half(torch.stack([v.rgb for v in flat]), 2),
        horizon=half(torch.stack([v.horizon for v in flat]), 2),
        near=half(torch.stack([v.near for v in flat]), 2),
        first=count.cumsum(0) - count,
        count=count,
    )


def _views(name: str, height: int, width: int) -> list[View]:
    if name in PLAIN:
        return [_blank(height, width, PLAIN[name], PLAIN[name], 1.0)]
    phases = PHASES if name == "sea" else 1
    return [VIEWS[name](height, width, k / phases) for k in range(phases)]
