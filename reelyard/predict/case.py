"""One storyboard before one fleet: what every part of a quote is worked out from. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reelyard.catalog import Catalog
from reelyard.predict.fleet import Fleet, Group
from reelyard.predict.forecast import Forecast
from reelyard.predict.outlook import Ask, Outlook, Shot, unlike
from reelyard.predict.prices import Prices
from reelyard.storyboard import Storyboard


@dataclass(frozen=True, slots=True)
class Case:
    """`names`: what each group is called; `at`: now, by the clock of the prices."""

    storyboard: Storyboard
    catalog: Catalog
    fleet: Fleet
    prices: Prices
    at: datetime
    outlook: Outlook
    shots: Sequence[Shot]
    names: Mapping[Group, str]

    @property
    def groups(self) -> list[Group]:
        """Those that make pictures."""
        return [group for group in self.fleet.groups if group.renders]

    @property
    def speakers(self) -> list[Group]:
        """Those that say lines and put films together."""
        return [group for group in self.fleet.groups if group.speaks]

    @property
    def asks(self) -> Mapping[Ask, int]:
        """The different asks, and how many shots want each."""
        return unlike(self.shots)

    def able(self, ask: Ask) -> dict[Group, Forecast]:
        """Where an ask can run, and how."""
        found = ((group, self.outlook.chance(ask, group).way) for group in self.groups)
        return {group: way for group, way in found if way is not None}

    def way(self, shot: int, group: Group) -> Forecast:
        """How a shot runs on a group that can."""
        way = self.outlook.chance(self.shots[shot].ask, group).way
        assert way is not None  # somebody placed it there
        return way
