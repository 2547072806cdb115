"""Opening hours: a week of wall-clock time in a time zone. Never asks what time it is.

What the clock on the wall shows decides, and nothing else. So on the night when clocks go forward
22:00-06:00 lasts seven hours, and 02:30-05:00 begins when the clock jumps from 02:00 to 03:00: a
time that is skipped is never shown. On the night when clocks go back 22:00-06:00 lasts nine hours,
and what the clock shows twice is open twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import floor, inf

from reelyard.rules.week import WEEK_MINUTES, Window, week_text


@dataclass(frozen=True, slots=True)
class Hours:
    """`is_open_first`: at Monday 00:00; `edges`: the minutes of the week, rising and above 0, at
    which that changes; `zone`: whose wall clock, UTC where it does not matter. Use `of`, or
    `reelyard.rules.opening.read_hours`."""

    is_open_first: bool
    edges: tuple[int, ...] = ()
    zone: tzinfo = UTC

    @classmethod
    def of(cls, windows: Iterable[Window], zone: tzinfo = UTC) -> Hours:
        """Open in these windows, which may overlap; each at most a week long."""
        week = bytearray(WEEK_MINUTES)
        for begin, end in windows:
            within = min(end, WEEK_MINUTES)
            week[begin:within] = b"\1" * (within - begin)
            week[: end - within] = b"\1" * (end - within)
        edges = tuple(n for n in range(1, WEEK_MINUTES) if week[n] != week[n - 1])
        return cls(bool(week[0]), edges, zone if edges else UTC)

    def is_open(self, at: float) -> bool:
        """At this moment, in unix seconds."""
        return self._is_open_in(self._week_seconds(at) // 60)

    def closes(self, at: float) -> float:
        """The end of the opening that `at` lies in: `inf` when it never closes, `at` itself when it
        is closed then."""
        return self._changes(at) if self.is_open(at) else at

    def opens(self, at: float) -> float:
        """The next moment that is open: `at` itself when it is, `inf` when there is none."""
        return at if self.is_open(at) else self._changes(at)

    def __and__(self, other: Hours) -> Hours:
        """Open where both are. Raises ValueError for two time zones: a farm has one."""
        if not self.edges:
            return other if self.is_open_first else NEVER
        if not other.edges:
            return self if other.is_open_first else NEVER
        if self.zone != other.zone:
            raise ValueError(f"hours of two time zones: {self.zone} and {other.zone}")
        minutes = sorted({0, *self.edges, *other.edges})
        is_open = [self._is_open_in(n) and other._is_open_in(n) for n in minutes]
        changed = zip(minutes[1:], is_open, is_open[1:], strict=False)
        edges = tuple(n for n, before, after in changed if before != after)
        return Hours(is_open[0], edges, self.zone if edges else UTC)

    def sentence(self) -> str:
        """`always`, `never`, `Mon-Fri 19:00-07:00; Sat Sun`: it can be read again."""
        if not self.edges:
            return "always" if self.is_open_first else "never"
        return week_text(self.windows())

    def windows(self) -> tuple[Window, ...]:
        """The openings of a week, each whole, in the order of their beginnings."""
        marks = [n for n in (0, *self.edges) if self._is_open_in(n) != self._is_open_in(n - 1)]
        begins = [n for n in marks if self._is_open_in(n)]
        ends = [n for n in marks if not self._is_open_in(n)]
        if not begins:
            return ((0, WEEK_MINUTES),) if self.is_open_first else ()
        if ends[0] < begins[0]:
            ends = [*ends[1:], ends[0] + WEEK_MINUTES]
        return tuple(zip(begins, ends, strict=True))

    def _is_open_in(self, minute: int) -> bool:
        return self.is_open_first ^ (bisect_right(self.edges, minute % WEEK_MINUTES) % 2 == 1)

    def _week_seconds(self, at: float) -> int:
        """What the wall clock shows, in seconds since Monday 00:00."""
        shown = datetime.fromtimestamp(at, self.zone)
        in_day = shown.hour * 3600 + shown.minute * 60 + shown.second
        return shown.weekday() * 86_400 + in_day

    def _changes(self, at: float) -> float:
        """The first moment after `at` that is not as `at` is, or `inf`."""
        if not self.edges:
            return inf
        is_open, at = self.is_open(at), float(floor(at))
        while True:
            edge = at + self._until_edge(self._week_seconds(at))
            turn = self._turn(at, edge)
            at = edge if turn is None else turn
            if self.is_open(at) != is_open:
                return at

    def _until_edge(self, week_seconds: int) -> int:
        """Seconds on the wall clock until the week changes from open to closed or back; the turn of
        the week counts as one."""
        place = bisect_right(self.edges, week_seconds // 60)
        edge = self.edges[place] if place < len(self.edges) else WEEK_MINUTES
        return edge * 60 - week_seconds

    def _turn(self, after: float, until: float) -> float | None:
        """When the clock is put forward or back in `after < t <= until`; None: it is not."""
        before = self._offset(after)
        if self._offset(until) == before:
            return None
        low, high = int(after), int(until)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return float(high)

    def _offset(self, at: float) -> timedelta | None:
        return datetime.fromtimestamp(at, self.zone).utcoffset()


ALWAYS = Hours(True)
NEVER = Hours(False)
