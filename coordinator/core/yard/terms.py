"""What the picker and the planner go by: constants of the rules, each with where it came from.

Values only. What a farm's people may set (weights, caps, hours, waits) comes from the house rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Urgency(IntEnum):
    """Bands in the order they are served. CRITICAL is never asked for: it is what work becomes when
    its deadline draws near."""

    INTERACTIVE = 0
    CRITICAL = 1
    NORMAL = 2
    BATCH = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """Chosen on seeds 1 to 5 of `bench/schedulers.py`; docs/scheduling.md has what each does."""

    swap_lines: float = 3.0
    """A device swaps models once the line has cost this many loads: ski rental."""
    swap_waits: float = 12.0
    """Or once its oldest task has waited this many loads."""
    stretch: float = 3.0
    """A resident model's task is taken off plan when it runs less than this often as long."""
    patience: float = 2.0
    """No device takes what would take it this often as long as waiting for a better one would."""
    relent: float = 0.1
    """But one that takes longer by this part of what the task has waited does."""
    off_plan: float = 0.5
    """Off the plan, a task must end within this part of what waiting would take."""
    shortness: float = 1.5
    """The next task is the one with the largest wait / seconds ** shortness."""
    starve_seconds: float = 600.0
    starve_loads: float = 20.0
    """A line that nobody serves goes before a resident model after the longer of the two."""
    batch_depth: float = 2.0
    """A closed batch has at least so many tasks per device."""
    batch_most_tasks: float = 200_000.0
    """And at most so many in all: how the end of more than that is packed can wait."""
    replan_seconds: float = 10.0
    replan_arrivals: int = 100
    """The mix is solved at most so often, and after so many arrivals."""
    remembered_arrivals: float = 2000.0
    """How many arrivals make up the forecast of what comes."""
    least_share: float = 1e-3
    as_cheap: float = 0.02
    """A kind is on plan when its priced seconds are at most this part dearer than the cheapest."""
    age_seconds: float = 3600.0
    """A line rises one band per so long a wait, and after the first to the highest priority."""
    critical_seconds: float = 600.0
    critical_part: float = 0.1
    """Work is critical when its slack is below the larger of these: seconds, or part of the time
    that is left."""
    window_loads: float = 8.0
    window_tasks: float = 4.0
    """Who is so many typical loads and tasks behind their fair part is served before the others."""
    behind_waits: float = 24.0
    """Who is behind has a resident model thrown out once so many loads were waited for."""
    far_behind: float = 2.0
    """Who is this many windows behind goes to any device once its wait is as long as what that
    costs more."""
    scarce_part: float = 0.25
    """So does who has fewer than this part of the devices that an even share would be."""
    far_ahead: float = 1.25
    """Who is this many times as much ahead of it is served after them."""
    half_life_seconds: float = 86_400.0
    """Use beyond one's share is forgotten at this rate."""
    minimum_run_seconds: float = 300.0
    """What has run shorter than this is not preempted."""
    may_preempt: bool = True
    most_reserved: float = 0.05
    """Part of the devices that may be held for gangs, but always enough for one."""
    most_per_tick: int = 100
    """Starts of one tick: what is left is for the next, which comes at once."""
    ahead_seconds: float = 0.0
    """A short task is queued behind one that ends within so long; 0: none is."""
    ahead_longest_seconds: float = 30.0
    """Nothing that takes longer is bound to a device before that is free."""
    fetch_seconds: float = 60.0
    """So long before a device is free the weights are fetched that it will load next."""
