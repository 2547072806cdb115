"""What a run draws, and what a power cap changes. Pure.

A device draws its idle power and a share of the rest that depends on what bounds the stage. Under a
cap, compute slows down: dynamic power goes with V^2 f, and near the top of the curve V goes with
f, so the clock follows the cube root of dynamic power; below the lowest voltage it is linear.
Memory has a clock of its own and slows down only when the cap is under what it draws itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reelyard.catalog import DeviceType
from reelyard.predict.span import Span

_ACTIVE = {"matmul": 0.95, "attention": 0.95, "memory": 0.7, "transfer": 0.3, "fixed": 0.15}
"""Of the power between idle and limit: data sheets' limits are reached by matrix products; a stage
bound by memory stays well under, copies and the host leave the card nearly idle."""
_LOWEST_CLOCK = 0.6
"""Of the boost clock, where the voltage cannot fall any further."""


@dataclass(frozen=True, slots=True)
class Use:
    """A run's energy on all its devices, and how long it takes under the cap."""

    watt_hours: float
    seconds: float
    spans: tuple[Span, ...]


def use(spans: Iterable[Span], device: DeviceType, cap_w: float | None, devices: int = 1) -> Use:
    """Energy and time of the stages; `cap_w` per device, None: the device's own limit."""
    slowed = tuple(spans) if cap_w is None else tuple(_slowed(s, device, cap_w) for s in spans)
    joules = sum(
        drawn(device, term, cap_w) * sum(float(getattr(span, term)) for span in slowed)
        for term in _ACTIVE
    )
    seconds = sum(span.seconds for span in slowed)
    return Use(joules * devices / 3600, seconds, slowed)


def cap_watts(device: DeviceType, share: float | None) -> float | None:
    """Watts of a share of the power limit, as low as the device goes; None: no cap."""
    if share is None or share >= 1:
        return None
    least = device.least_w.value if device.least_w else 0.0
    return max(share * device.power_w.value, least)


def drawn(device: DeviceType, term: str, cap_w: float | None) -> float:
    """Watts while this term bounds the work."""
    wanted = device.idle_w.value + _dynamic(device, term)
    return wanted if cap_w is None else min(wanted, max(cap_w, device.idle_w.value))


def _dynamic(device: DeviceType, term: str) -> float:
    return _ACTIVE[term] * max(0.0, device.power_w.value - device.idle_w.value)


def _slowed(span: Span, device: DeviceType, cap_w: float) -> Span:
    compute = _clock(device, "matmul", cap_w)
    return replace(
        span,
        matmul=span.matmul / compute,
        attention=span.attention / compute,
        memory=span.memory / _share(device, "memory", cap_w),
    )


def _share(device: DeviceType, term: str, cap_w: float) -> float:
    """Of the dynamic power that a term would draw, what the cap leaves."""
    left = max(0.05 * _dynamic(device, term), cap_w - device.idle_w.value)
    return min(1.0, left / _dynamic(device, term)) if _dynamic(device, term) else 1.0


def _clock(device: DeviceType, term: str, cap_w: float) -> float:
    """Of the clock without a cap."""
    power: float = _share(device, term, cap_w)
    lowest = _LOWEST_CLOCK**3
    clock: float = power ** (1 / 3) if power >= lowest else _LOWEST_CLOCK * power / lowest
    return clock
