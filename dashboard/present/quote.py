"""What a script would need, beside it while it is typed: when, where, how much. Pure.

Never works anything out that the quote does not say: what is not known is left out or said so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dashboard.format import count, energy, gib, money, span
from dashboard.marks import Mark
from reelyard.predict.views import Quote, QuotedDevice, QuotedScene

_YES = Mark("Y", "check", "Ready to render", "good")
_NO = Mark("N", "slash", "No device can run it", "bad")
_UNSURE = Mark("?", "ask", "Not known yet whether it fits", "wait")

_DEAR: Final = 1.15
"""How many times its even share a scene must cost to be called the dearest."""


@dataclass(frozen=True, slots=True)
class Done:
    """When the film would be there: the moment, and the way to it with its range."""

    at: datetime
    span: str
    range: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure and what it is beside."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class SceneLine:
    """A scene's pictures. `width`: its share of the device time, in percent."""

    number: int
    what: str
    where: str
    needs: str
    time: str
    width: float
    is_dearest: bool


@dataclass(frozen=True, slots=True)
class QuoteCard:
    """A quote as it is shown."""

    mark: Mark
    because: str
    done: Done | None
    facts: tuple[Fact, ...]
    scenes: tuple[SceneLine, ...]
    devices: tuple[QuotedDevice, ...]
    assumptions: tuple[str, ...]


def quote_card(quote: Quote, now: float) -> QuoteCard:
    """`now` in seconds since 1970."""
    return QuoteCard(
        mark={True: _YES, False: _NO, None: _UNSURE}[quote.is_possible],
        because=quote.because,
        done=_done(quote, now),
        facts=tuple(_facts(quote)),
        scenes=tuple(_scene(scene, quote) for scene in quote.scenes),
        devices=tuple(sorted(quote.devices, key=lambda one: (not one.can, one.device))),
        assumptions=tuple(quote.assumptions),
    )


def _done(quote: Quote, now: float) -> Done | None:
    if quote.done_in_seconds is None:
        return None
    at = datetime.fromtimestamp(now + quote.done_in_seconds, UTC)
    return Done(at, span(quote.done_in_seconds), between(quote.done_in_range))


def between(ends: tuple[float, float] | None) -> str:
    """`9 min to 16 min`; empty where nothing is known, or both ends read alike."""
    if ends is None:
        return ""
    low, high = span(ends[0]), span(ends[1])
    return "" if low == high else f"{low} to {high}"


def _facts(quote: Quote) -> Iterable[Fact]:
    if quote.needs_gib is not None:
        yield Fact("memory", gib(quote.needs_gib), "on one device")
    if quote.device_seconds is not None:
        load = f"and {span(quote.load_seconds)} of loading" if quote.load_seconds else ""
        yield Fact("device time", span(quote.device_seconds), load)
    if quote.energy_wh is not None:
        yield Fact("energy", energy(quote.energy_wh))
    if quote.money is not None:
        yield Fact("own power", money(quote.money, quote.currency))
    if quote.rent is not None:
        yield Fact("rented", money(quote.rent, quote.currency), _times(quote))


def _times(quote: Quote) -> str:
    if not quote.money or quote.rent is None or quote.rent < 1.5 * quote.money:
        return ""
    return f"{quote.rent / quote.money:.0f} times own power"


def _scene(scene: QuotedScene, quote: Quote) -> SceneLine:
    plan = scene.plan.sentence if scene.plan else ""
    bound = f"at most {gib(scene.bound_gib)}" if scene.bound_gib is not None else ""
    return SceneLine(
        number=scene.scene + 1,
        what=f"{count(scene.frames, 'frame')}, {count(scene.shots, 'shot')}",
        where=" · ".join(part for part in (scene.device or scene.model, plan) if part),
        needs=bound,
        time=span(scene.seconds),
        width=round(100 * min(1.0, scene.share or 0.0), 1),
        is_dearest=scene.scene == quote.dearest_scene and _stands_out(scene, len(quote.scenes)),
    )


def _stands_out(scene: QuotedScene, scenes: int) -> bool:
    """Of scenes that cost alike none is worth a mark."""
    return scenes > 1 and (scene.share or 0.0) * scenes > _DEAR
