"""Why a line waits, in a sentence with numbers. Decides nothing: it asks what the rule asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from coordinator.core.yard.yard import Yard


def waits_because(yard: Yard, task: str) -> str:
    """Why the task is not running; empty when it does not wait."""
    line = yard.lines.where.get(task)
    return "" if line is None else line_because(yard, line)


def line_because(yard: Yard, line: int) -> str:
    """The first of these that is true."""
    shape, kinds = int(yard.lines.shape[line]), len(yard.prices.kinds)
    able = np.isfinite(yard.prices.run[shape]) & (yard.seats.count[:kinds] > 0)
    if not able.any():
        return "no device of the farm can run it"
    owner = int(yard.lines.owner[line])
    name = yard.lines.key(line).owner
    if not yard.accounts.below_cap()[owner]:
        return f"{name} has {yard.accounts.running[owner]} tasks running, as many as are allowed"
    if line in yard.reservations:
        held = yard.reservations[line]
        count = len(held.seats)
        devices = "a device is" if count == 1 else f"{count} devices are"
        return f"{devices} reserved for it, free in about {held.seconds:.0f} s"
    return _by_model(yard, line, shape, able)


def _by_model(yard: Yard, line: int, shape: int, able: np.ndarray) -> str:
    model, kinds = int(yard.prices.model[shape]), len(yard.prices.kinds)
    devices = int(yard.seats.count[:kinds][able].sum())
    ready = int(yard.seats.idle_of_kind[:kinds][able].sum())
    if model < 0 or not ready:
        return f"all {devices} devices that can run it are busy"
    held = yard.seats.holders
    holders = int(held[model, :kinds][able].sum()) if model < len(held) else 0
    load = float(yard.prices.load[shape][able].min())
    name = list(yard.prices.models)[model]
    if holders:
        where = "a device" if holders == 1 else f"{holders} devices"
        return (
            f"{name} is in the memory of {where} that can run it; a load elsewhere takes "
            f"{load:.0f} s and would not end soon enough"
        )
    return f"{ready} of {devices} devices that can run it are idle, but others would end it sooner"
