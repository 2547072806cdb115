"""The figures of the demo world, drawn once per colour as small pictures with transparency.

Three plain shapes and six picture-book figures. A figure is drawn large with Pillow and reduced,
so every edge is smooth. Never places a figure in a scene: that is `world`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import torch
from PIL import Image, ImageDraw

Rgb = tuple[float, float, float]
Point = tuple[float, float]

COLOURS: Final[dict[str, Rgb]] = {
    "red": (0.88, 0.17, 0.16),
    "green": (0.14, 0.66, 0.27),
    "blue": (0.17, 0.34, 0.90),
    "yellow": (0.99, 0.82, 0.16),
    "purple": (0.58, 0.22, 0.76),
    "white": (0.97, 0.97, 0.96),
}
CREAM: Final[Rgb] = (0.99, 0.95, 0.84)
BROWN: Final[Rgb] = (0.42, 0.28, 0.20)
DARK: Final[Rgb] = (0.20, 0.22, 0.30)
STONE: Final[Rgb] = (0.50, 0.48, 0.50)
LAMP: Final[Rgb] = (1.0, 0.90, 0.45)
ORANGE: Final[Rgb] = (0.96, 0.58, 0.15)

CANVAS: Final = 768  # pixels; reduced four-fold or more, so edges come out smooth


def shade(colour: Rgb, factor: float) -> Rgb:
    """Darker below 1, towards white above 1."""
    if factor <= 1:
        return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
    r, g, b = (c + (1 - c) * (factor - 1) for c in colour)
    return (r, g, b)


class Pen:
    """Draws in coordinates from -1 to 1, x to the right, y down."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def disc(self, x: float, y: float, rx: float, colour: Rgb, ry: float | None = None) -> None:
        ry = rx if ry is None else ry
        box = [*_pixel((x - rx, y - ry)), *_pixel((x + rx, y + ry))]
        self._draw.ellipse(box, fill=_ink(colour))

    def shape(self, points: Sequence[Point], colour: Rgb, opacity: float = 1.0) -> None:
        self._draw.polygon([_pixel(p) for p in points], fill=_ink(colour, opacity))

    def cut_disc(self, x: float, y: float, radius: float) -> None:
        box = [*_pixel((x - radius, y - radius)), *_pixel((x + radius, y + radius))]
        self._draw.ellipse(box, fill=(0, 0, 0, 0))


def _pixel(p: Point) -> Point:
    return ((p[0] + 1) / 2 * CANVAS, (p[1] + 1) / 2 * CANVAS)


def _ink(colour: Rgb, opacity: float = 1.0) -> tuple[int, int, int, int]:
    r, g, b, a = (round(255 * c) for c in (*colour, opacity))
    return (r, g, b, a)


def _curve(a: Point, bend: Point, b: Point, steps: int = 16) -> list[Point]:
    """A quadratic Bezier curve."""
    ts = [k / steps for k in range(steps + 1)]
    return [
        (
            (1 - t) ** 2 * a[0] + 2 * t * (1 - t) * bend[0] + t * t * b[0],
            (1 - t) ** 2 * a[1] + 2 * t * (1 - t) * bend[1] + t * t * b[1],
        )
        for t in ts
    ]


def circle(pen: Pen, colour: Rgb) -> None:
    pen.disc(0, 0, 0.96, colour)


def square(pen: Pen, colour: Rgb) -> None:
    pen.shape([(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)], colour)


def triangle(pen: Pen, colour: Rgb) -> None:
    pen.shape([(0, -0.95), (0.98, 0.85), (-0.98, 0.85)], colour)


def sun(pen: Pen, colour: Rgb) -> None:
    for k in range(12):
        a = math.tau * k / 12
        side = 0.17
        tip = (0.97 * math.cos(a), 0.97 * math.sin(a))
        left = (0.66 * math.cos(a - side), 0.66 * math.sin(a - side))
        right = (0.66 * math.cos(a + side), 0.66 * math.sin(a + side))
        pen.shape([tip, left, right], colour)
    pen.disc(0, 0, 0.60, colour)
    pen.disc(0, 0, 0.42, shade(colour, 1.35))


def moon(pen: Pen, colour: Rgb) -> None:
    pen.disc(-0.05, 0, 0.90, colour)
    pen.cut_disc(0.38, -0.16, 0.72)


def boat(pen: Pen, colour: Rgb) -> None:
    pen.shape([(-0.05, -0.95), (0.03, -0.95), (0.03, 0.42), (-0.05, 0.42)], BROWN)
    pen.shape([*_curve((0.08, -0.86), (0.78, -0.30), (0.80, 0.30)), (0.08, 0.30)], CREAM)
    pen.shape([*_curve((-0.10, -0.62), (-0.42, -0.10), (-0.72, 0.30)), (-0.10, 0.30)], CREAM)
    pen.shape([(-0.01, -0.98), (-0.36, -0.86), (-0.01, -0.74)], colour)
    hull = [(-0.98, 0.40), (0.98, 0.40), *_curve((0.98, 0.40), (0.80, 0.92), (0.42, 0.94))]
    pen.shape([*hull, *_curve((-0.55, 0.94), (-0.80, 0.90), (-0.98, 0.40))], colour)
    pen.shape([(-0.98, 0.40), (0.98, 0.40), (0.95, 0.53), (-0.93, 0.53)], shade(colour, 0.72))


def bird(pen: Pen, colour: Rgb) -> None:
    pen.shape([(-0.35, 0.12), (-0.98, -0.06), (-0.90, 0.42)], shade(colour, 0.72))
    pen.shape([(0.80, 0.02), (0.99, 0.14), (0.78, 0.22)], ORANGE)
    pen.disc(0.0, 0.22, 0.56, colour, 0.32)
    pen.disc(0.58, 0.08, 0.27, colour)
    wing = [*_curve((0.30, 0.16), (0.10, -0.62), (-0.62, -0.92)), (-0.62, -0.92)]
    pen.shape([*wing, *_curve((-0.62, -0.92), (-0.56, -0.10), (-0.30, 0.24))], shade(colour, 0.80))
    pen.disc(0.64, 0.03, 0.06, DARK)


def tree(pen: Pen, colour: Rgb) -> None:
    pen.shape([(-0.11, 0.10), (0.11, 0.10), (0.19, 0.98), (-0.19, 0.98)], BROWN)
    for x, y, r in ((-0.36, 0.02, 0.42), (0.36, 0.02, 0.42), (0, -0.44, 0.52), (0, 0.06, 0.42)):
        pen.disc(x, y, r, colour)
    for x, y, r in ((-0.18, -0.54, 0.18), (-0.44, -0.06, 0.13), (0.26, -0.14, 0.13)):
        pen.disc(x, y, r, shade(colour, 1.25 if colour != COLOURS["white"] else 0.88))


def lighthouse(pen: Pen, colour: Rgb) -> None:
    band = COLOURS["red"] if colour == COLOURS["white"] else COLOURS["white"]
    pen.disc(0, 0.96, 0.60, STONE, 0.22)

    def tower(top: float, bottom: float, ink: Rgb) -> None:
        half = [0.22 + 0.15 * (y + 0.44) / 1.34 for y in (top, bottom)]
        pen.shape([(-half[0], top), (half[0], top), (half[1], bottom), (-half[1], bottom)], ink)

    tower(-0.44, 0.90, colour)
    for top, bottom in (
        ((-0.20, 0.06), (0.34, 0.60)) if colour == COLOURS["white"] else ((0.0, 0.3),)
    ):
        tower(top, bottom, band)
    pen.shape([(-0.08, 0.90), (-0.08, 0.70), (0.08, 0.70), (0.08, 0.90)], DARK)
    pen.shape([(-0.19, -0.74), (0.19, -0.74), (0.19, -0.48), (-0.19, -0.48)], LAMP)
    pen.shape([(-0.30, -0.52), (0.30, -0.52), (0.30, -0.43), (-0.30, -0.43)], DARK)
    pen.shape([(-0.27, -0.72), (0, -0.98), (0.27, -0.72)], DARK)


def lit_lighthouse(pen: Pen, colour: Rgb) -> None:
    """The lighthouse at night: two beams, drawn as fading steps, behind the tower."""
    steps = 24
    for k in reversed(range(steps)):
        a, b = 0.16 + 0.84 * k / steps, 0.16 + 0.84 * (k + 1) / steps
        glow = 0.50 * (1 - (k + 0.5) / steps)
        for side in (-1, 1):
            wedge = [
                (side * x, -0.61 + sign * (0.06 + 0.20 * x))
                for x, sign in ((a, -1), (b, -1), (b, 1), (a, 1))
            ]
            pen.shape(wedge, LAMP, glow)
    lighthouse(pen, colour)


FIGURES: Final[dict[str, Callable[[Pen, Rgb], None]]] = {
    "circle": circle,
    "square": square,
    "triangle": triangle,
    "sun": sun,
    "moon": moon,
    "boat": boat,
    "bird": bird,
    "tree": tree,
    "lighthouse": lighthouse,
}
PLAIN: Final = ("circle", "square", "triangle")
PICTURE: Final = ("sun", "moon", "boat", "bird", "tree", "lighthouse")


def sprites(size: int) -> torch.Tensor:
    """[figure, colour, 4, size, size]: red, green, blue times coverage, then coverage, in [0, 1].

    After the named figures comes one more, the lighthouse with its lamp lit.
    """
    drawn = [*FIGURES.values(), lit_lighthouse]
    rows = [[_sprite(draw, c, size) for c in COLOURS.values()] for draw in drawn]
    return torch.stack([torch.stack(row) for row in rows])


def _sprite(draw: Callable[[Pen, Rgb], None], colour: Rgb, size: int) -> torch.Tensor:
    pen = Pen()
    draw(pen, colour)
    full = torch.from_numpy(np.asarray(pen.image).copy()).float().permute(2, 0, 1) / 255
    full = torch.cat([full[:3] * full[3:], full[3:]])
    pool = torch.nn.functional.adaptive_avg_pool2d
    return pool(full[None], size)[0]
