"""What this machine has: devices and their memory, as they are now.

Each probe answers for one kind of device. Nothing is imported or asked before `measure` is called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Measurement:
    """One device now. Memory in GiB; `foreign_gib` is held by programs that are not ours.

    `type` is its id in the catalog of devices, empty when it is none of those.
    """

    id: str
    kind: Literal["cpu", "cuda", "jetson"]
    name: str
    memory_gib: float
    free_gib: float
    foreign_gib: float = 0.0
    unified: bool = False
    compute_capability: str = ""
    utilisation: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    type: str = ""


class Probe(Protocol):
    """Whoever can measure some of this machine's devices."""

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """The devices; none when there are none of this kind."""
        ...
