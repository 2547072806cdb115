"""The days of a week by their names, and openings in a week in words. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SHORT = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LONG = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DAYS: Mapping[str, int] = {
    name.lower(): number for names in (SHORT, LONG) for number, name in enumerate(names)
}
"""By name in lower case, short or long: Monday is 0."""
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
Window = tuple[int, int]
"""Open from one minute until another, counted from Monday 00:00; the end may lie behind Sunday."""


def week_text(windows: Iterable[Window]) -> str:
    """`Mon-Thu 19:00-07:00; Fri 19:00-Mon 00:00`, in the words of `reelyard.rules.opening`."""
    days_of: dict[str, list[int]] = {}
    long: list[tuple[int, str]] = []
    for begin, end in windows:
        if begin % DAY_MINUTES == end % DAY_MINUTES == 0:
            days_of.setdefault("", []).extend(range(begin // DAY_MINUTES, end // DAY_MINUTES))
        elif end - begin < DAY_MINUTES:
            times = f"{_clock(begin)}-{_clock(end) if end % DAY_MINUTES else '24:00'}"
            days_of.setdefault(times, []).append(begin // DAY_MINUTES)
        else:
            long.append((begin // DAY_MINUTES, f"{_on_day(begin)}-{_on_day(end)}"))
    times_of: dict[tuple[int, ...], list[str]] = {}
    for times, days in sorted(days_of.items()):
        times_of.setdefault(tuple(days), []).append(times)
    said = [
        (days[0], f"{_days(days)} {' '.join(times)}".strip()) for days, times in times_of.items()
    ]
    return "; ".join(text for _, text in sorted([*said, *long]))


def _days(days: Sequence[int]) -> str:
    """`Mon-Fri`, `Mon Wed`; nothing for every day."""
    if len(days) == len(SHORT):
        return ""
    runs: list[list[int]] = []
    for day in sorted(day % 7 for day in days):
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return " ".join(_run(run) for run in runs)


def _run(days: Sequence[int]) -> str:
    first, last = SHORT[days[0]], SHORT[days[-1]]
    return first if len(days) == 1 else f"{first}{'-' if len(days) > 2 else ' '}{last}"


def _on_day(minute: int) -> str:
    return f"{SHORT[minute // DAY_MINUTES % 7]} {_clock(minute)}"


def _clock(minute: int) -> str:
    hour, rest = divmod(minute % DAY_MINUTES, 60)
    return f"{hour:02}:{rest:02}"
