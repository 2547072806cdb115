"""Reads a caption back from the frames of a clip, by measurement: no network is asked.

The background is the one that most pixels agree with. The figure is what differs from it; where it
goes tells the motion. Which figure and which colour is decided by drawing every candidate in its
place and comparing pixels; if even the best explains too little, the figure is unclear. Never sees
the caption it is to find.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from training import figures, scenery, world

LOW: Final = 64  # the judge looks at a picture of this height
AGREES: Final = 0.015  # squared distance of colours that count as the same
DIFFERS: Final = 0.03
SEEN: Final = 0.004  # part of the picture that a visible figure covers at least
MOVED: Final = 0.12  # heights
GREW: Final = 0.45  # in natural logarithm of the width
EXPLAINED: Final = 0.5  # the best candidate must account for so much of what is seen
LOOKS: Final = 3  # frames in which candidates are drawn


class Box(NamedTuple):
    """Of the figure in each frame, in heights; [F]."""

    left: Tensor
    right: Tensor
    top: Tensor
    bottom: Tensor
    area: Tensor


@dataclass(frozen=True)
class Reading:
    """What the frames say. `colour` and `subject` are None where nothing known is seen."""

    ground: int
    colour: int | None
    subject: int | None
    motion: int | None
    present: bool  # in every frame
    explained: float

    @property
    def moving(self) -> bool:
        return self.motion is not None


def read(clip: Tensor) -> Reading:
    """Frames [3, F, H, W] in [0, 1]."""
    frames = _reduced(clip)
    ground, back = _background(frames)
    mask = ((frames - back) ** 2).sum(1) > DIFFERS
    # thin lines are waves a little out of step
    mask = avg_pool2d(mask.float()[:, None], 3, 1, 1)[:, 0] > 0.6
    box = _boxes(mask)
    if int((box.area > SEEN).sum()) < LOOKS:
        return Reading(ground, None, None, None, False, 0.0)
    present = bool((box.area > SEEN).float().mean() > 0.97)
    subject, colour, explained = _figure(frames, back, ground, box)
    if explained < EXPLAINED:
        return Reading(ground, None, None, _motion(_by_boxes(box)), present, explained)
    seen = [k for k in range(len(frames)) if box.area[k] > SEEN]
    ends = [
        _fit(frames, back, world.Spec(colour, subject, 4, ground), box, k)
        for k in (seen[0], seen[-1])
    ]
    return Reading(ground, colour, subject, _motion(Change.between(*ends)), present, explained)


def _reduced(clip: Tensor) -> Tensor:
    """[F, 3, LOW, w]"""
    return avg_pool2d(clip.float().clamp(0, 1).transpose(0, 1), clip.shape[2] // LOW)


def _background(frames: Tensor) -> tuple[int, Tensor]:
    count, _, h, w = frames.shape
    pictures = scenery.backdrops(h, w)
    times = world.moments(count)
    best, found, back = -1.0, 0, frames
    for ground in range(len(world.GROUNDS)):
        candidate = pictures.rgb[pictures.index(torch.full((count,), ground), times)]
        agree = float((((frames - candidate) ** 2).sum(1) < AGREES).float().mean())
        if agree > best:
            best, found, back = agree, ground, candidate
    return found, back


def _boxes(mask: Tensor) -> Box:
    """Edges by the outermost rows and columns that hold more than a speck of the figure."""
    _, h, w = mask.shape
    columns, rows = mask.sum(1), mask.sum(2)

    def edges(line: Tensor) -> tuple[Tensor, Tensor]:
        part = line.cumsum(1) / line.sum(1, keepdim=True).clamp_min(1)
        return (part < 0.005).sum(1).float(), (part < 0.995).sum(1).float() + 1

    left, right = edges(columns)
    top, bottom = edges(rows)
    return Box(left / h, right / h, top / h, bottom / h, mask.sum((1, 2)) / (h * w))


class Change(NamedTuple):
    """From the first sight of the figure to the last; in heights, and in logarithms of the size."""

    dx: float
    dy: float
    grown: float

    @classmethod
    def between(cls, a: tuple[float, float, float], b: tuple[float, float, float]) -> Change:
        return cls(b[0] - a[0], b[1] - a[1], math.log(b[2] / a[2]))


def _by_boxes(box: Box) -> Change:
    seen = (box.area > SEEN).nonzero().flatten()
    some = max(1, len(seen) // 7)
    ends = [
        (
            float(((box.left + box.right) / 2)[part].median()),
            float(((box.top + box.bottom) / 2)[part].median()),
            float((box.right - box.left)[part].median().clamp_min(0.01)),
        )
        for part in (seen[:some], seen[-some:])
    ]
    return Change.between(*ends)


def _motion(c: Change) -> int | None:
    if abs(c.grown) > GREW:
        return 4 if c.grown > 0 else 5
    if max(abs(c.dx), abs(c.dy)) < MOVED:
        return None
    if abs(c.dx) > abs(c.dy):
        return 1 if c.dx > 0 else 0
    return 3 if c.dy > 0 else 2


def _fit(
    frames: Tensor, back: Tensor, spec: world.Spec, box: Box, k: int
) -> tuple[float, float, float]:
    """Where a known figure is, and how large, even half behind a hill: x, y, radius."""
    radii = 0.07 * 1.12 ** torch.arange(17)
    shifts = torch.linspace(-0.5, 0.5, 7)
    r, shift = (v.flatten() for v in torch.meshgrid(radii, shifts, indexing="ij"))
    x = (box.left[k] + box.right[k]) / 2 + shift * r
    y = box.top[k] - _EXTENTS[_art(torch.tensor(spec.subject), spec.ground), 2] * r
    n = len(r)
    found = []
    for flip in (False, True):
        scenes = _scenes(
            [torch.full((n,), v) for v in spec], x, y, r, torch.full((n,), flip), frames
        )
        error, _ = _errors(scenes, frames, back, k)
        best = int(error.argmin())
        found.append((float(error[best]), (float(x[best]), float(y[best]), float(r[best]))))
    return min(found)[1]


def _scenes(
    ids: list[Tensor], x: Tensor, y: Tensor, r: Tensor, flip: Tensor, frames: Tensor
) -> world.Scenes:
    """Figures that stand still."""
    colour, subject, motion, ground = ids
    x2, y2, r2 = (v[:, None].expand(-1, 2) for v in (x, y, r))
    return world.Scenes(
        colour, subject, motion, ground, x2, y2, r2, flip, frames.shape[3] / frames.shape[2]
    )


def _art(subject: Tensor, ground: int) -> Tensor:
    """The sprite's number: a lighthouse at night is another picture."""
    lit = (subject == world.SUBJECTS.index("lighthouse")) & (world.GROUNDS[ground] == "night")
    return torch.where(lit, len(world.SUBJECTS), subject)


def _extents() -> Tensor:
    """[figure, 4]: left, right, top, bottom of every sprite in its own -1 to 1."""
    found = []
    for art in figures.sprites(48)[:, 0, 3] > 0.25:
        ys, xs = art.any(1).nonzero().flatten(), art.any(0).nonzero().flatten()
        found.append([float(v) / 24 - 1 for v in (xs[0], xs[-1] + 1, ys[0], ys[-1] + 1)])
    return torch.tensor(found)


_EXTENTS: Final = _extents()


def _figure(frames: Tensor, back: Tensor, ground: int, box: Box) -> tuple[int, int, float]:
    """The candidate that most frames are best explained by."""
    votes: Counter[tuple[int, int]] = Counter()
    shares = []
    largest = box.area.argsort(descending=True)
    for k in largest[:: max(1, len(largest) // 6)][:LOOKS].tolist():
        subject, colour, share = _best(frames, back, ground, box, k)
        votes[subject, colour] += 1
        shares.append(share)
    (subject, colour), _ = votes.most_common(1)[0]
    return subject, colour, sum(shares) / len(shares)


def _best(frames: Tensor, back: Tensor, ground: int, box: Box, k: int) -> tuple[int, int, float]:
    scenes = _candidates(frames, ground, box, k)
    error, energy = _errors(scenes, frames, back, k)
    best = int(error.argmin())
    return int(scenes.subject[best]), int(scenes.colour[best]), float(1 - error[best] / energy)


def _errors(scenes: world.Scenes, frames: Tensor, back: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """How far each scene is from frame k, and how much there was to explain.

    A scene is not blamed for the waves: only where it or the clip shows a figure does it count.
    """
    time = torch.full((len(scenes.colour), 1), k / max(1, len(frames) - 1))
    drawn = world.render(scenes, time, LOW)[0][:, :, 0]
    shown = ((frames[k] - back[k]) ** 2).sum(0)
    counts = (shown > DIFFERS) | (((drawn - back[k]) ** 2).sum(1) > DIFFERS)
    error = (((drawn - frames[k]) ** 2).sum(1) * counts).sum((1, 2))
    return error, (shown * (shown > DIFFERS)).sum()


def _candidates(frames: Tensor, ground: int, box: Box, k: int) -> world.Scenes:
    """Every figure of this world in every colour, both ways round, fitted to the box.

    Each once by the box's width and once by its height.
    """
    names = figures.PLAIN if world.GROUNDS[ground] in scenery.PLAIN else figures.PICTURE
    subjects = [world.SUBJECTS.index(s) for s in names]
    colours = range(len(world.COLOURS))
    rows = [(s, c, f, m) for s in subjects for c in colours for f in (0, 1) for m in (0, 1)]
    subject, colour, flip, by_height = torch.tensor(rows).T
    left, right, top, bottom = _EXTENTS[_art(subject, ground)].T
    wide, high = box.right[k] - box.left[k], box.bottom[k] - box.top[k]
    r = torch.where(by_height > 0, high / (bottom - top), wide / (right - left)).clamp_min(0.03)
    lean = (left + right) / 2 * torch.where(flip > 0, -1.0, 1.0)
    x = (box.left[k] + box.right[k]) / 2 - lean * r
    y = box.top[k] - top * r  # by the top: the base may be behind a wave
    still = torch.full_like(subject, 4)
    return _scenes(
        [colour, subject, still, torch.full_like(subject, ground)], x, y, r, flip > 0, frames
    )
