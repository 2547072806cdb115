"""How the dashboard writes figures: times, lengths, sizes. Pure; the present time is handed in."""

from __future__ import annotations

from datetime import UTC, datetime

DASH = "\N{EN DASH}"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def ago(then: datetime | None, now: float) -> str:
    """`just now`, `40 s ago`, `3 h ago`; empty for None."""
    if then is None:
        return ""
    seconds = now - then.timestamp()
    return "just now" if seconds < 5 else f"{span(seconds)} ago"


def span(seconds: float | None) -> str:
    """A rough length in its two largest units: `40 s`, `3 min 20 s`, `2 h 14 min`, `4 d`."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(whole: int, large: int, name: str, small: int, small_name: str) -> str:
    rest = whole % large // small
    return f"{whole // large} {name}" + (f" {rest} {small_name}" if rest else "")


def seconds(length: float | None) -> str:
    """An exact length: `0.84 s`, `7.2 s`, `1:04`, `1:02:03`; a dash for None."""
    if length is None:
        return DASH
    if length < _MINUTE:
        if length < 0.005:
            return "0 s"
        return f"{length:.2f} s" if length < 1 else f"{length:.1f} s"
    whole = round(length)
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def brief(length: float | None) -> str:
    """A length in one unit, for narrow places: `42 s`, `6.2 min`, `1.5 h`; empty for None."""
    if length is None:
        return ""
    if length < _MINUTE:
        return f"{length:.1f} s" if length < 9.95 else f"{length:.0f} s"
    for unit, name in ((_MINUTE, "min"), (_HOUR, "h"), (_DAY, "d")):
        if name == "d" or length / unit < {"min": 99.5, "h": 47.5}[name]:
            amount = length / unit
            return f"{amount:.1f} {name}" if amount < 9.95 else f"{amount:.0f} {name}"
    raise AssertionError("days have no end")


def energy(watt_hours: float) -> str:
    """`< 0.1 Wh`, `3.2 Wh`, `420 Wh`, `1.32 kWh`."""
    if 0 < watt_hours < 0.05:
        return "< 0.1 Wh"
    if watt_hours >= 1000:
        return f"{watt_hours / 1000:.2f} kWh"
    return f"{watt_hours:.0f} Wh" if watt_hours >= 10 else f"{watt_hours:.1f} Wh"


def money(amount: float, currency: str) -> str:
    """`0.42 EUR`; what is less than the smallest coin says so."""
    shown = f"{amount:.2f}" if amount >= 0.005 or amount == 0 else "< 0.01"
    return f"{shown} {currency}".rstrip()


def gib(size: float | None, digits: int = 1) -> str:
    """`12.4 GiB`, `< 0.1 GiB`; a dash for None."""
    if size is None:
        return DASH
    least = 10.0**-digits
    return f"{size:.{digits}f} GiB" if size >= least / 2 or size <= 0 else f"< {least:g} GiB"


def size(count: int) -> str:
    """Bytes for people: `812 B`, `14.2 KiB`, `3.1 MiB`, `2.4 GiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def percent(share: float) -> str:
    """0.256 -> `26 %`; a share that is not whole never reads 100 %."""
    shown = round(share * 100)
    return f"{min(shown, 99) if share < 1 else 100} %"


def count(number: int, one: str, many: str = "") -> str:
    """`1 task`, `3 tasks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\u202f")


def stamp(then: datetime | None) -> str:
    """RFC 3339 in UTC, for `<time datetime>`."""
    return then.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if then else ""


def when(then: datetime | None) -> str:
    """`25 Nov 08:14 UTC`: what stands there until the page has put it into the reader's zone."""
    return then.astimezone(UTC).strftime("%d %b %H:%M UTC") if then else ""


def short(identity: str) -> str:
    """The part of an id that people read."""
    return identity if len(identity) <= 14 else identity[:13] + "…"
