"""Does the predictor agree with what others have published?

    python -m bench.predict [--rows] [--json] [--catalog FILE]

Asks `reelyard.predict` about every run of `bench/published`, prints errors of memory and time by
model, device, engine and role, ladders of plans, gains of several devices, and whether each floor
holds. The exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.published.compare import Ask, Compared, compare, ladders, speed_ups
from bench.published.facts import load_facts
from bench.published.floors import Floor, floors
from bench.published.tables import every_row, report
from reelyard.catalog import load_catalog
from reelyard.predict.answer import Answer
from reelyard.predict.ask import predict
from reelyard.predict.request import Request


def predictor(extra: Path | None = None) -> Ask:
    """The predictor over the built-in catalog, with a file on top."""
    catalog = load_catalog(extra)

    def ask(request: Request) -> Answer:
        return predict(request, catalog)

    return ask


def as_json(rows: Sequence[Compared], held: Sequence[Floor]) -> dict[str, Any]:
    """Everything, as plain values."""
    return {
        "floors": [asdict(floor) for floor in held],
        "rows": [_row(row) for row in rows],
        "ladders": [
            {"name": ladder.name, "kept": not ladder.reversed_pairs} for ladder in ladders(rows)
        ],
        "speed_ups": [
            {
                "run": gain.together.fact.model_dump(mode="json"),
                "published": gain.published,
                "predicted": gain.predicted,
            }
            for gain in speed_ups(rows)
        ],
    }


def _row(row: Compared) -> dict[str, Any]:
    return {
        "fact": row.fact.model_dump(mode="json"),
        "status": row.answer.status.value,
        "peak_vram_gib": row.answer.peak_vram_gib,
        "memory_error": row.memory_error,
        "seconds": row.seconds,
        "time_ratio": row.time_ratio,
        "because": row.answer.because,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every floor holds, else 1."""
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--rows", action="store_true", help="every row, before the tables")
    p.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    p.add_argument("--catalog", type=Path, help="a farm's own catalog file, on top")
    a = p.parse_args(arguments)
    rows = compare(load_facts(), predictor(a.catalog))
    held = floors(rows)
    if a.json:
        print(json.dumps(as_json(rows, held), indent=2))
    else:
        print("\n\n".join(([every_row(rows)] if a.rows else []) + [report(rows, held)]))
    return 0 if all(floor.holds for floor in held) else 1


if __name__ == "__main__":
    sys.exit(main())
