"""The policies that can be played, by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping

from coordinator.simulate import plain
from coordinator.simulate.core_policy import CorePolicy
from coordinator.simulate.policy import Policy, World
from reelyard.errors import InvalidInput, Problem

Make = Callable[[World], Policy]


def policies() -> Mapping[str, Make]:
    """All of them; the farm's own comes first."""
    return {
        "reelyard": CorePolicy,
        "fifo": plain.fifo,
        "fifo-affinity": plain.fifo_affinity,
        "first-fit": plain.first_fit,
    }


def policy_named(name: str) -> Make:
    """The one. Raises InvalidInput."""
    known = policies()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, list(known), n=1)
    remedy = f"Did you mean `{near[0]}`?" if near else "Choose one of these."
    raise InvalidInput(
        [Problem("--policy", "is not a policy", name[:80], ", ".join(known), remedy)]
    )
