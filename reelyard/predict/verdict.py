"""Which kinds of devices can take the pictures of a film, and why others cannot. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reelyard.predict.case import Case
from reelyard.predict.fleet import Group
from reelyard.predict.outlook import Shot
from reelyard.predict.views import QuotedDevice


def devices(case: Case) -> Iterator[QuotedDevice]:
    for group in case.groups:
        can, because = _whole_answer(group, case)
        count = case.fleet.groups[group]
        yield QuotedDevice(device=case.names[group], count=count, can=can, because=because)


def _whole_answer(group: Group, case: Case) -> tuple[bool, str]:
    """Can the group take every picture? The most demanding one says how, or why not."""
    chances = {ask: case.outlook.chance(ask, group) for ask in case.asks}
    refused = [ask for ask, chance in chances.items() if chance.way is None]
    if not refused:
        hungriest = max(chances.values(), key=lambda one: one.way.bound_gib if one.way else 0.0)
        return True, hungriest.because
    worst = max(refused, key=lambda ask: chances[ask].least_gib or 0.0)
    if chances[worst].least_gib is None:
        return False, chances[worst].because
    several = sum(case.asks[ask] for ask in refused)
    which = f"{several} of {len(case.shots)} shots: " if several < len(case.shots) else ""
    said = f"{which}{worst.model}, {worst.shape.frames} frames: {chances[worst].because}"
    remedy = case.outlook.remedies(worst, group)
    return False, f"{said}; {remedy}" if remedy else said


def least_need(case: Case) -> float | None:
    """What the most demanding picture needs on the device that makes it with the least memory."""
    needs = []
    for ask in case.asks:
        found = [case.outlook.chance(ask, group).least_gib for group in case.groups]
        least = min((gib for gib in found if gib is not None), default=None)
        if least is not None:
            needs.append(least)
    return round(max(needs), 2) if needs else None


def why_nowhere(shot: Shot, case: Case) -> str:
    """`scene 2: wan2.1-t2v-14b, 832x480, 81 frames, fits no device: rtx-4090: needs ...`"""
    shape, ask = shot.ask.shape, shot.ask
    what = f"scene {shot.scene + 1}: {ask.model}, {shape.width}x{shape.height}, "
    what += f"{shape.frames} frames"
    if not case.groups:
        return f"{what}: the fleet has no device that makes pictures"
    nearest = max(case.groups, key=lambda g: (g.has(ask.model), g.room_gib))
    chance = case.outlook.chance(ask, nearest)
    said = f"{what}, fits no device: {case.names[nearest]}: {chance.because}"
    remedy = case.outlook.remedies(ask, nearest) if chance.least_gib is not None else ""
    return f"{said}; {remedy}" if remedy else said
