"""Which model fits which device, as a table for people or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelyard.cli.predict import spoken
from reelyard.cli.speak import out, say, show, show_json, show_table

if TYPE_CHECKING:
    from reelyard.predict.views import FitCell, FitMatrix

_COLUMN_WIDTH = 24
_SHORT = {
    ", model offload": "+model",
    ", group offload": "+group",
    ", sequential offload": "+seq",
    ", tiled decode": "+tiled",
}


def show_fit(found: FitMatrix, as_json: bool) -> None:
    """The matrix, a column per kind of device; on a terminal in parts that are as wide as it is."""
    if as_json:
        show_json(found)
        return
    if not found.devices:
        say("no device: no worker has joined; `reelyard models --fit --all` asks the catalog")
    width = max(1, out().width // _COLUMN_WIDTH - 1)
    for first in range(0, len(found.devices), width):
        columns = found.devices[first : first + width]
        heads = [f"{one.id} x{one.count}" if one.count else one.id for one in columns]
        rows = (
            (row.model, *(short_cell(cell) for cell in row.cells[first : first + width]))
            for row in found.data
        )
        show_table(("model", *heads), rows)
        show("")
    say("a clip of each model's own size and length; * measured here; - does not fit; ? not known")


def short_cell(cell: FitCell) -> str:
    """`bf16+group 25 min`, `-`, `?`"""
    if cell.status != "ok":
        return "-" if cell.status == "infeasible" else "?"
    plan = cell.plan
    for words, short in _SHORT.items():
        plan = plan.replace(words, short)
    time = "" if cell.seconds is None else f" {spoken(cell.seconds)}"
    return f"{plan}{time}{'*' if cell.is_measured else ''}"
