"""Why a line waits, in a sentence with numbers. Decides nothing: it asks what the rule asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from coordinator.core.yard.prices import Bools

if TYPE_CHECKING:
    from coordinator.core.yard.yard import Yard


def waits_because(yard: Yard, task: str, now: float) -> str:
    """Why the task is not running; empty when it does not wait."""
    line = yard.lines.where.get(task)
    return "" if line is None else line_because(yard, line, now)


def line_because(yard: Yard, line: int, now: float) -> str:
    """The first of these that is true."""
    shape, kinds = int(yard.lines.shape[line]), len(yard.prices.kinds)
    able = np.isfinite(yard.prices.run[shape]) & (yard.seats.count[:kinds] > 0)
    if not able.any():
        return "no device of the farm can run it"
    return (
        _of_share(yard, line)
        or _of_reservation(yard, line)
        or _of_doors(yard, line, able, now)
        or _by_model(yard, line, shape, able, now)
    )


def _of_share(yard: Yard, line: int) -> str:
    """Its owner's cap, or a limit that it would hold."""
    owner, key = int(yard.lines.owner[line]), yard.lines.key(line)
    if not yard.accounts.below_cap()[owner]:
        running = yard.accounts.running[owner]
        return f"{key.owner} has {running} tasks running, as many as are allowed"
    name = yard.holds.used_up(key.limits)
    return f"all of {name} are in use: {yard.holds.count(name)} of them" if name else ""


def _of_reservation(yard: Yard, line: int) -> str:
    held = yard.reservations.get(line)
    if held is None:
        return ""
    count = len(held.seats)
    devices = "a device is" if count == 1 else f"{count} devices are"
    return f"{devices} reserved for it, free in about {held.seconds:.0f} s"


def _of_doors(yard: Yard, line: int, able: Bools, now: float) -> str:
    """All that could run it are closed, or close before it would end."""
    kinds, shape = list(yard.prices.kinds), int(yard.lines.shape[line])
    columns = np.nonzero(able)[0]
    closes = np.array([yard.house.closes_in(kinds[column], now) for column in columns])
    if (closes <= 0).all():
        opens = min(yard.house.opens_in(kinds[column], now) for column in columns)
        return f"the devices that can run it are closed; the first opens in {opens:.0f} s"
    is_open = closes > 0
    run = yard.prices.run[shape, columns]
    may_be_cut = bool(yard.lines.can_checkpoint[line] and yard.lines.gang[line] == 1)
    can_be_cut = yard.prices.can_checkpoint[shape, columns] & may_be_cut
    late = (run > closes) & ~can_be_cut
    if late[is_open].all():
        least, longest = float(run[is_open].min()), float(closes[is_open].max())
        return f"it takes {least:.0f} s, and the devices that can run it close in {longest:.0f} s"
    return ""


def _by_model(yard: Yard, line: int, shape: int, able: Bools, now: float) -> str:
    model, kinds = int(yard.prices.model[shape]), len(yard.prices.kinds)
    devices = int(yard.seats.count[:kinds][able].sum())
    ready = int(yard.seats.idle_of_kind[:kinds][able].sum())
    gang = int(yard.lines.gang[line])
    if gang > 1:
        return f"{gang} devices that can run it together are not free; {ready} of {devices} are"
    if not ready:
        return f"all {devices} devices that can run it are busy or reserved"
    if model < 0:
        return f"{ready} of {devices} devices that can run it are idle, but have not the room now"
    return _by_holders(yard, shape, able, model, ready, devices)


def _by_holders(yard: Yard, shape: int, able: Bools, model: int, ready: int, devices: int) -> str:
    held, kinds = yard.seats.holders, len(yard.prices.kinds)
    holders = int(held[model, :kinds][able].sum()) if model < len(held) else 0
    if holders:
        load, name = float(yard.prices.load[shape][able].min()), list(yard.prices.models)[model]
        where = "a device" if holders == 1 else f"{holders} devices"
        return (
            f"{name} is in the memory of {where} that can run it; a load elsewhere takes "
            f"{load:.0f} s and would not end soon enough"
        )
    return f"{ready} of {devices} devices that can run it are idle, but others would end it sooner"
