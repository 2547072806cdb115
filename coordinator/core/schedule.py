"""One look at a whole farm: the same rule as in a living one, over a snapshot. For trying things
out and for tests; the loop keeps a `LivingYard` up to date instead.
"""

from __future__ import annotations

from coordinator.core.decisions import Decision
from coordinator.core.foresight import Foresight, foresight_of
from coordinator.core.living import LivingYard
from coordinator.core.snapshot import Snapshot


def schedule(farm: Snapshot, foresight: Foresight | None = None) -> list[Decision]:
    """One decision per waiting task that has news, each with its reason. A foresight of the same
    catalog and lessons spares asking the predictor anew."""
    return LivingYard.of(farm, foresight or foresight_of(farm)).decide(farm.now)
