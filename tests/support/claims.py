"""What waiting lines are told, held against a day's own book: every claim has its own check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from math import inf

from coordinator.core.yard.because import line_because
from coordinator.core.yard.lines import LineKey
from tests.support.told_yard import CAPS, LIMITS, MODELS, Day, Place, door


def untrue(day: Day) -> Iterator[str]:
    """Lines that wait without a reason, or with one that is not so."""
    lines = day.yard.lines
    for line in lines.standing():
        said = line_because(day.yard, line, day.now)
        if not any(
            found and claim(day, lines.key(line), *found.groups())
            for pattern, claim in CLAIMS.items()
            if (found := re.fullmatch(pattern, said))
        ):
            yield f"{lines.first(line)} is told: {said!r}"


def _could(day: Day, key: LineKey) -> list[Place]:
    found = (place for place in day.places.values())
    return [place for place in found if day.estimates.price(key.shape, place.kind).seconds < inf]


def _free(day: Day, key: LineKey) -> list[Place]:
    """Those that nothing runs on, and that are kept for nobody."""
    kept = {n for held in day.yard.reservations.values() for n in held.seats}
    names = {str(day.yard.seats.seats[n].key) for n in kept}
    busy = {name for name, runs in day.of_place().items() if runs}
    return [place for place in _could(day, key) if place.key not in busy | names]


def _is_busy(day: Day, key: LineKey, count: str) -> bool:
    return len(_could(day, key)) == int(count) and not _free(day, key)


def _is_at_cap(day: Day, key: LineKey, owner: str, count: str) -> bool:
    running = sum(1 for run in day.bound() if run.told.line.owner == owner)
    return owner == key.owner and running == int(count) == CAPS[owner]


def _is_used_up(day: Day, key: LineKey, limit: str, count: str) -> bool:
    held = sum(1 for run in day.bound() if limit in run.told.line.limits)
    return limit in key.limits and held == int(count) == LIMITS[limit][0]


def _is_closed(day: Day, key: LineKey, seconds: str) -> bool:
    doors = [door(place.kind, day.now) for place in _could(day, key)]
    soonest = min(until for until, _ in doors)
    return not any(is_open for _, is_open in doors) and f"{soonest:.0f}" == seconds


def _closes(day: Day, key: LineKey, takes: str, closes: str) -> bool:
    doors = {place.key: door(place.kind, day.now) for place in _could(day, key)}
    open_ones = [place for place in _could(day, key) if doors[place.key][1]]
    least = min(day.estimates.price(key.shape, one.kind).seconds for one in open_ones)
    longest = max(doors[one.key][0] for one in open_ones)
    return (f"{least:.0f}", f"{longest:.0f}") == (takes, closes)


def _are_idle(day: Day, key: LineKey, ready: str, count: str) -> bool:
    """And nobody's cap or limit is the reason."""
    counts = (len(_free(day, key)), len(_could(day, key)))
    running = sum(1 for run in day.bound() if run.told.line.owner == key.owner)
    is_held = running >= CAPS.get(key.owner, inf) or any(
        _is_used_up(day, key, name, f"{LIMITS[name][0]:.0f}") for name in key.limits
    )
    return counts == (int(ready), int(count)) and ready != "0" and not is_held


def _is_gang(day: Day, key: LineKey, gang: str, ready: str, count: str) -> bool:
    return (key.gang, len(_free(day, key)), len(_could(day, key))) == (
        *(int(gang), int(ready)),
        int(count),
    )


def _holds(day: Day, key: LineKey, model: str, *rest: str) -> bool:
    number = day.yard.prices.models[model]
    held = {str(seat.key) for seat in day.yard.seats.seats if number in seat.held}
    return model == MODELS[str(key.shape)] and any(one.key in held for one in _could(day, key))


def _is_reserved(day: Day, key: LineKey, *rest: str) -> bool:
    return any(day.yard.lines.key(line) == key for line in day.yard.reservations)


CLAIMS: dict[str, Callable[..., bool]] = {
    r"no device of the farm can run it": lambda day, key: not _could(day, key),
    r"(\w+) has (\d+) tasks running, as many as are allowed": _is_at_cap,
    r"all of (\w+) are in use: (\d+) of them": _is_used_up,
    r"(a device is|\d+ devices are) reserved for it, free in about (\d+) s": _is_reserved,
    r"the devices that can run it are closed; the first opens in (\d+) s": _is_closed,
    r"it takes (\d+) s, and the devices that can run it close in (\d+) s": _closes,
    r"all (\d+) devices that can run it are busy or reserved": _is_busy,
    r"(\d+) devices that can run it together are not free; (\d+) of (\d+) are": _is_gang,
    r"(\d+) of (\d+) devices that can run it are idle, but have not the room now": _are_idle,
    r"(\d+) of (\d+) devices that can run it are idle, but others would end it sooner": _are_idle,
    r"(\w+) is in the memory of (a device|\d+ devices) that can run it; .*": _holds,
}
"""What may be said, and what is so when it is true, by the day's own book."""
