"""The worker of a benchmark: the real one, with pretended devices and steps that do nothing.

python -m bench.durable.worker DEVICES
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from reelyard.settings import read_settings
from worker.agent import run
from worker.probe import Measurement


@dataclass(frozen=True, slots=True)
class Pretended:
    """A probe that finds so many processors with 16 GiB each."""

    count: int

    def measure(self, own_pids: Sequence[int]) -> list[Measurement]:
        """See Probe."""
        return [
            Measurement(
                id=f"cpu{number}",
                kind="cpu",
                name=f"pretended {number}",
                memory_gib=16.0,
                free_gib=16.0,
                type="cpu",
            )
            for number in range(self.count)
        ]


def main(devices: int) -> None:
    """Until SIGTERM."""
    run(read_settings(), "bench.durable.steps", [Pretended(devices)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
