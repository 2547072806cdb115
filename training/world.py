"""The drawn world that the demo model learns: one figure, one colour, one motion, one background.

432 plain captions ("a red circle moving left on a black background") and 864 picture-book captions
("a red boat moving right on the sea"). A clip is a pure function of its scene and of time, so it
can be drawn at any size, any length, and at any few moments. Never reads or writes a file.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from training import figures, scenery

COLOURS: Final = tuple(figures.COLOURS)
SUBJECTS: Final = tuple(figures.FIGURES)
MOTIONS: Final = ("moving left", "moving right", "moving up", "moving down", "growing", "shrinking")
GROUNDS: Final = scenery.GROUNDS
PLACES: Final = {
    "sky": ("in the sky",),
    "sea": ("on the sea", "over the sea"),
    "hills": ("on hills", "over the hills"),
    "night": ("at night",),
}
WIDE: Final = 1.75  # 448 x 256
SQUARE: Final = 1.0
HELD_BACK: Final = 5  # one caption in so many is never shown in training


class Spec(NamedTuple):
    """What a caption says, as indices into the tuples above."""

    colour: int
    subject: int
    motion: int
    ground: int


def place(ground: int, variant: int = 0) -> str:
    name = GROUNDS[ground]
    if name in scenery.PLAIN:
        return f"on a {name} background"
    return PLACES[name][variant % len(PLACES[name])]


def caption(spec: Spec, variant: int = 0) -> str:
    thing = f"a {COLOURS[spec.colour]} {SUBJECTS[spec.subject]}"
    return f"{thing} {MOTIONS[spec.motion]} {place(spec.ground, variant)}"


def specs(plain: bool) -> list[Spec]:
    """Every caption of one of the two worlds."""
    some = figures.PLAIN if plain else figures.PICTURE
    grounds = scenery.PLAIN if plain else scenery.VIEWS
    return [
        Spec(c, SUBJECTS.index(s), m, GROUNDS.index(g))
        for c in range(len(COLOURS))
        for s in some
        for m in range(len(MOTIONS))
        for g in grounds
    ]


def held_back(spec: Spec) -> bool:
    """Whether a caption is kept for scoring; decided by its words, so it never changes."""
    digest = hashlib.sha256(caption(spec).encode()).digest()
    return digest[0] % HELD_BACK == 0


def words() -> list[str]:
    """The tokenizer's vocabulary; the first three have fixed meanings."""
    everything = [*specs(plain=True), *specs(plain=False)]
    seen = {w for s in everything for v in range(2) for w in caption(s, v).split()}
    return ["<pad>", "</s>", "<unk>", *sorted(seen)]


# --- where things are ------------------------------------------------------------------------


@dataclass(frozen=True)
class Scenes:
    """n scenes. Places are in heights; each pair is the value at the start and at the end."""

    colour: Tensor
    subject: Tensor
    motion: Tensor
    ground: Tensor
    x: Tensor  # [n, 2]
    y: Tensor
    r: Tensor
    flip: Tensor
    aspect: float

    def pick(self, index: Tensor) -> Scenes:
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "aspect"}
        return Scenes(**{name: value[index] for name, value in kept.items()}, aspect=self.aspect)


class Habit(NamedTuple):
    """Where a figure lives: its radius, the height it keeps, whether it stands on its base."""

    radius: float
    level: float  # the centre, or the base if it stands
    stands: bool
    mask: str  # what may stand in front of it


HABITS: Final[dict[str, Habit]] = {
    "circle": Habit(0.21, 0.50, False, ""),
    "square": Habit(0.21, 0.50, False, ""),
    "triangle": Habit(0.22, 0.50, False, ""),
    "sun": Habit(0.20, 0.36, False, "horizon"),
    "moon": Habit(0.19, 0.36, False, "horizon"),
    "boat": Habit(0.21, 0.88, True, "near"),
    "bird": Habit(0.18, 0.40, False, ""),
    "tree": Habit(0.25, 0.90, True, "near"),
    "lighthouse": Habit(0.31, 0.91, True, "near"),
}


def scatter(chosen: list[Spec], g: torch.Generator, aspect: float = WIDE) -> Scenes:
    """Draws the dice: where each figure starts and ends, within what its caption says."""
    n = len(chosen)
    colour, subject, motion, ground = torch.tensor(chosen).reshape(n, 4).T
    habit = [HABITS[name] for name in SUBJECTS]
    level = torch.tensor([h.level for h in habit])[subject] + _dice(n, g, -0.03, 0.03)
    stands = torch.tensor([h.stands for h in habit])[subject]
    r = torch.tensor([h.radius for h in habit])[subject] * _dice(n, g, 0.90, 1.10)
    sideways, upright, size = (_direction(motion, k) for k in (0, 2, 4))

    grown = torch.stack([1 - 0.42 * size, 1 + 0.42 * size], 1)
    radius = r[:, None] * torch.where((size != 0)[:, None], grown * 0.92, 1.0)

    reach = aspect * 0.25 * _dice(n, g, 0.85, 1.1) * sideways
    middle = aspect * (0.5 + _dice(n, g, -0.10, 0.10) * (sideways == 0))
    x = torch.stack([middle - reach, middle + reach], 1)

    # Rising and sinking cross the middle of the picture, whatever level the figure keeps otherwise.
    rise = 0.18 * _dice(n, g, 0.9, 1.1) * upright
    cross = torch.where(level < 0.42, 0.43, 0.50) + _dice(n, g, -0.03, 0.03)
    centre = torch.where(upright != 0, cross, level)
    y = torch.stack([centre + rise, centre - rise], 1)
    y = torch.where((stands & (upright == 0))[:, None], y - radius, y)
    return Scenes(colour, subject, motion, ground, x, y, radius, motion == 0, aspect)


def going_on(s: Scenes, g: torch.Generator) -> Scenes:
    """The same motions, from wherever an earlier clip may have left the figure."""
    n = len(s.colour)
    at = _dice(n, g, 0.0, 1.1)[:, None]

    def onward(path: Tensor, low: Tensor, high: Tensor) -> Tensor:
        step = path[:, 1:] - path[:, :1]
        start = path[:, :1] + step * at
        end = torch.minimum(
            torch.maximum(start + step, torch.minimum(low, start)), torch.maximum(high, start)
        )
        return torch.cat([start, end], 1)

    still = (s.y[:, 1:] == s.y[:, :1]) | (s.r[:, 1:] != s.r[:, :1])
    edge = 0.7 * s.r.mean(1, keepdim=True)
    r = onward(s.r, torch.full_like(edge, 0.09), torch.full_like(edge, 0.36))
    base = s.y + s.r
    stands = torch.tensor([HABITS[name].stands for name in SUBJECTS])[s.subject][:, None]
    kept = torch.where(stands, base[:, :1] - r, s.y)
    y = torch.where(still, kept, onward(s.y, edge, 1 - edge))
    x = onward(s.x, edge, s.aspect - edge)
    return Scenes(s.colour, s.subject, s.motion, s.ground, x, y, r, s.flip, s.aspect)


def _dice(n: int, g: torch.Generator, low: float, high: float) -> Tensor:
    return torch.rand(n, generator=g) * (high - low) + low


def _direction(motion: Tensor, first: int) -> Tensor:
    """+1 for right, up and growing, -1 for their opposites, else 0."""
    minus, plus = (first, first + 1) if first == 0 else (first + 1, first)
    return (motion == plus).float() - (motion == minus).float()


# --- drawing ---------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def _sprites(size: int) -> Tensor:
    return figures.sprites(size)


def moments(frames: int) -> Tensor:
    """The times of the frames of a whole clip, from 0 to 1."""
    return torch.linspace(0, 1, frames)


def render(s: Scenes, times: Tensor, height: int) -> tuple[Tensor, Tensor]:
    """Pixels [n, 3, F, h, w] and the figure's coverage [n, 1, F, h, w], both in [0, 1].

    `times` is [n, F], from 0 at the start of the clip to 1 at its end.
    """
    n, count = times.shape
    width = round(height * s.aspect)
    x, y, r = (torch.lerp(p[:, :1], p[:, 1:], times).flatten() for p in (s.x, s.y, s.r))
    y = y + _bob(s, times).flatten()
    drawn = _figure(s, count, x, y, r, height, width)

    back = scenery.backdrops(height, width)
    index = back.index(s.ground[:, None].expand(n, count), times).flatten()
    mask = [HABITS[name].mask for name in SUBJECTS]
    behind = torch.tensor([m == "horizon" for m in mask])[s.subject].repeat_interleave(count)
    standing = torch.tensor([m == "near" for m in mask])[s.subject].repeat_interleave(count)
    hidden = (
        behind[:, None, None] * back.horizon[index] + standing[:, None, None] * back.near[index]
    )
    drawn = drawn * (1 - hidden[:, None])

    cover = drawn[:, 3:]
    pixels = back.rgb[index] * (1 - cover) + drawn[:, :3]
    return tuple(  # type: ignore[return-value]
        v.reshape(n, count, -1, height, width).transpose(1, 2) for v in (pixels, cover)
    )


def _bob(s: Scenes, times: Tensor) -> Tensor:
    """A bird dips and a boat rocks a little on its way; in whole waves, so that clips join."""
    deep = torch.tensor([{"bird": 0.02, "boat": 0.006}.get(name, 0.0) for name in SUBJECTS])
    travels = (s.motion < 2).float() * deep[s.subject]
    return travels[:, None] * torch.sin(times * 4 * torch.pi)


def _figure(
    s: Scenes, count: int, x: Tensor, y: Tensor, r: Tensor, height: int, width: int
) -> Tensor:
    """Each frame's figure alone, [n * F, 4, h, w], from two sizes of sprite blended by scale."""
    fine = 3 * height // 4
    flip = torch.where(s.flip, -1.0, 1.0).repeat_interleave(count)
    ys, xs = (torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / height
    u = (xs[None] - x[:, None]) / r[:, None] * flip[:, None]
    v = (ys[None] - y[:, None]) / r[:, None]
    shape = (len(x), height, width)
    grid = torch.stack([u[:, None, :].expand(shape), v[:, :, None].expand(shape)], -1)
    far = (fine / (2 * r * height)).log2().clamp(0, 1)[:, None, None, None]

    lit = (s.subject == SUBJECTS.index("lighthouse")) & (s.ground == GROUNDS.index("night"))
    figure = torch.where(lit, len(SUBJECTS), s.subject)

    def look(size: int) -> Tensor:
        art = _sprites(size)[figure, s.colour].repeat_interleave(count, 0)
        return grid_sample(art, grid, align_corners=False)

    return torch.lerp(look(fine), look(fine // 2), far)
