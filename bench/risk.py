"""How long the view of deadlines takes to work out: 40 devices, 2,000 tasks of 100 films with edges
between them, a deadline each.

    python -m bench.risk
"""

from __future__ import annotations

import random
import time

from coordinator.core.foresight import Foresight
from coordinator.core.risk import Due, Outlook, outlook
from coordinator.core.snapshot import Device, Snapshot
from tests.support.core_values import CATALOG, DEMO, LARGE, SMALL, device, farm
from tests.support.due_farms import Film, a_film

_TYPES = {"rtx-4090": 24, "h100-sxm": 80, "a100-80gb": 80, "rtx-3090": 24, "l40s": 48}
_HOUR = 3600.0


def devices() -> list[Device]:
    """Ten nodes with a processor and three cards each."""
    types = list(_TYPES)
    cards = [
        device(f"n{n % 10}", id=f"cuda:{n}", type=name, name=name, memory_gib=float(_TYPES[name]))
        for n in range(30)
        for name in [types[n % len(types)]]
    ]
    return [*(device(f"n{n}", memory_gib=64.0) for n in range(10)), *cards]


def films(seed: int, count: int = 100, shots: int = 19) -> list[Film]:
    """As many films of 19 shots and the cut, of five people."""
    dice = random.Random(seed)
    return [
        a_film(
            f"job-{n:03d}",
            shots=shots,
            frames=dice.choice((33, 49, 81)),
            model=dice.choice((SMALL, LARGE, DEMO)),
            queued_at=float(n),
            owner=f"owner-{n % 5}",
            deadline=100.0 + dice.uniform(1, 6) * _HOUR,
        )
        for n in range(count)
    ]


def look(made: list[Film], foresight: Foresight, only: str = "") -> Outlook:
    """All deadlines, or one."""
    found: Snapshot = farm(*(task for one in made for task in one.tasks), *devices())
    needs = {id: before for one in made for id, before in one.needs.items()}
    dues = [
        Due(one.id, one.id, "anna", one.tasks[0].deadline or 0.0)
        for one in made
        if only in ("", one.id)
    ]
    return outlook(found, needs, dues, foresight)


def main() -> None:
    """The first look asks the predictor, the others remember."""
    for seed in (1, 2, 3):
        foresight, made = Foresight(CATALOG), films(seed)
        late: list[str] = []
        for name in ("first", "again", "one that is late", "the last to end"):
            only = {"one that is late": late[-1:], "the last to end": [made[-1].id]}.get(name, [])
            began, cpu = time.perf_counter(), time.process_time()
            found = look(made, foresight, "".join(only))
            took, worked = time.perf_counter() - began, time.process_time() - cpu
            counts: dict[str, int] = {}
            for risk in found.risks:
                key = risk.verdict + (f"/{risk.remedy.kind}" if risk.remedy else "")
                counts[key] = counts.get(key, 0) + 1
            said = ", ".join(f"{n} {key}" for key, n in sorted(counts.items()))
            print(f"seed {seed}, {name}: {took:.2f} s ({worked:.2f} of CPU)", end="")
            print(f"; {found.played} played; {said}")
            late = [risk.due.job_id for risk in found.risks if risk.verdict == "late"] or late


if __name__ == "__main__":
    main()
