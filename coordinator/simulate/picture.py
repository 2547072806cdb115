"""Draws a play: what each device did when, and how many tasks waited.

Colours tell models apart; loading is hatched. Of many devices some are shown of every type.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from coordinator.simulate.engine import Played
from coordinator.simulate.runs import Outcome
from coordinator.simulate.spans import Spans, spans_of
from reelyard.errors import InvalidInput, Problem

MOST_DEVICES, MOST_MODELS, _PIXELS = 60, 14, 2_400
_OTHER, _IDLE, _INK, _BAD = "#9aa0a6", "#f1f3f4", "#3c4043", "#c5221f"
_GAP = 0.7
_UNITS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))

Bars = list[tuple[float, float]]


@dataclass(slots=True)
class _Row:
    """One device's bars, in units of the axis: work by colour, loads by colour, and bad ends."""

    work: dict[str, Bars]
    loads: dict[str, Bars]
    bad: list[float]


def draw(played: Played, file: Path) -> None:
    """Write the picture. Raises InvalidInput where the file cannot be written."""
    types = [machine.type for machine in played.world.machines]
    shown = sample(types, MOST_DEVICES, _last(played))
    span = max([*played.runs.end, played.world.tasks[-1].at, 1.0])
    unit, word = next((u for u in _UNITS if span >= 2 * u[0]), _UNITS[-1])
    height = 3.4 + 0.17 * len(shown)
    figure = Figure(figsize=(13, height), layout="constrained", dpi=130)
    top, below = figure.subplots(
        2, 1, sharex=True, height_ratios=[max(2.0, 0.17 * len(shown)), 1.6]
    )
    colours = _colours(played)
    _devices(top, played, shown, colours, unit, span)
    _queue(below, played, unit)
    below.set_xlabel(f"{word} since the beginning", color=_INK)
    below.set_xlim(0, span / unit)
    figure.legend(handles=_legend(colours), loc="outside right upper", frameon=False, fontsize=8)
    figure.suptitle(_title(played, len(shown)), x=0.01, ha="left", fontsize=11, color=_INK)
    try:
        figure.savefig(file)
    except OSError as wrong:
        said = f"cannot be written: {wrong.strerror}"
        remedy = "Choose another file."
        raise InvalidInput([Problem("--plot", said, str(file), remedy=remedy)]) from None


def sample(types: list[int], most: int, last: int) -> list[int]:
    """Places of at most so many devices: of every type in proportion and evenly, at least one of
    each while there is room, types together; `last`, where the end of all is, is always there."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, kind in enumerate(types):
        places[kind].append(place)
    share = min(1.0, most / len(types))
    shown = []
    for kind in sorted(places, key=lambda kind: kind != types[last])[:most]:
        own = places[kind]
        many = max(1, int(len(own) * share))
        some = {own[n * len(own) // many] for n in range(many)}
        if kind == types[last] and last not in some:
            some.discard(max(some))
            some.add(last)
        shown += sorted(some)
    return sorted(shown[:most], key=lambda place: (types[place], place))


def _last(played: Played) -> int:
    """The device on which the last run ends; the first where nothing ran."""
    runs = played.runs
    return runs.devices[runs.first[int(np.argmax(runs.end))]] if len(runs) else 0


def _colours(played: Played) -> dict[str, Any]:
    """Of the models with most seconds; the rest share one."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for task, start, end in zip(played.runs.task, played.runs.start, played.runs.end, strict=True):
        seconds[played.world.tasks[task].model] += end - start
    palette = [colormaps["tab20"](n) for n in (*range(0, 14, 2), *range(1, 14, 2))]
    named = sorted(seconds, key=lambda model: -seconds[model])[:MOST_MODELS]
    return dict(zip(named, palette, strict=False))


def _devices(
    axes: Any, played: Played, shown: list[int], colours: dict[str, Any], unit: float, span: float
) -> None:
    rows = _rows(played, shown, unit, span / unit / _PIXELS)
    lines = _lines(played, shown)
    for y, place in zip(lines, shown, strict=True):
        axes.broken_barh([(0, span / unit)], (y - 0.4, 0.8), facecolors=_IDLE, zorder=0)
        for model, bars in rows[place].work.items():
            axes.broken_barh(bars, (y - 0.4, 0.8), facecolors=colours.get(model, _OTHER))
        for model, bars in rows[place].loads.items():
            axes.broken_barh(
                *(bars, (y - 0.4, 0.8)),
                facecolors="white",
                edgecolors=colours.get(model, _OTHER),
                hatch="//////",
                linewidth=0,
            )
        axes.plot(rows[place].bad, [y] * len(rows[place].bad), "|", color=_BAD, markersize=6)
    _name_types(axes, played, shown, lines)
    axes.set_ylim(lines[-1] + 0.6, -0.6)
    _plain(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _rows(played: Played, shown: list[int], unit: float, least: float) -> dict[int, _Row]:
    """Bars of the shown devices. Bars of one colour that no eye could tell apart are one."""
    rows = {place: _Row(defaultdict(list), defaultdict(list), []) for place in shown}
    for run in sorted(played.runs, key=lambda run: run.start):
        model = played.world.tasks[run.task].model
        loaded = min(run.start + run.load_seconds, run.end)
        for device in run.devices:
            row = rows.get(device)
            if row is None:
                continue
            if loaded > run.start:
                _append(row.loads[model], run.start / unit, loaded / unit, least)
            _append(row.work[model], loaded / unit, run.end / unit, least)
            if run.outcome is not Outcome.DONE:
                row.bad.append(run.end / unit)
    return rows


def _append(bars: Bars, begin: float, end: float, least: float) -> None:
    if bars and begin - sum(bars[-1]) < least:
        bars[-1] = (bars[-1][0], end - bars[-1][0])
    else:
        bars.append((begin, end - begin))


def _lines(played: Played, shown: list[int]) -> list[float]:
    """How far down each device is drawn, with a gap before every further type."""
    types = [played.world.machines[place].type for place in shown]
    changes = np.cumsum([0, *(a != b for a, b in pairwise(types))])
    return [float(y) for y in np.arange(len(shown)) + _GAP * changes]


def _name_types(axes: Any, played: Played, shown: list[int], lines: list[float]) -> None:
    """One name for each type, beside its devices, with how many there are in all."""
    world = played.world
    count = Counter(machine.type for machine in world.machines)
    places: dict[int, list[float]] = defaultdict(list)
    for y, place in zip(lines, shown, strict=True):
        places[world.machines[place].type].append(y)
    axes.set_yticks(
        [float(np.mean(ys)) for ys in places.values()],
        [f"{world.types[kind]}  x{count[kind]:,}" for kind in places],
        color=_INK,
    )


def _queue(axes: Any, played: Played, unit: float) -> None:
    names = list(dict.fromkeys(task.owner for task in played.world.tasks))
    running, waiting = spans_of(played, names)
    at, tasks = _count(waiting)
    axes.fill_between(at / unit, tasks, step="post", color="#1a73e8", alpha=0.18, linewidth=0)
    axes.step(at / unit, tasks, where="post", color="#1a73e8", linewidth=1.1)
    axes.set_ylabel("tasks waiting", color="#1a73e8")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    _plain(axes)
    busy = axes.twinx()
    at, devices = _count(running)
    busy.step(at / unit, devices, where="post", color="#e8710a", linewidth=0.9, alpha=0.9)
    busy.set_ylabel("devices at work", color="#e8710a")
    busy.set_ylim(0, len(played.world.machines) * 1.05)
    busy.yaxis.set_major_formatter("{x:,.0f}")
    busy.spines[["top", "left"]].set_visible(False)


def _count(spans: Spans) -> tuple[Any, Any]:
    """How many are open after each event."""
    at = np.concatenate([[0.0], spans.begin, spans.end])
    change = np.concatenate([[0], spans.devices, -spans.devices])
    order = np.argsort(at, kind="stable")
    moments, first = np.unique(at[order], return_index=True)
    total = np.cumsum(change[order])
    return moments, total[np.concatenate([first[1:], [len(total)]]) - 1]


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dadce0", linewidth=0.6)
    axes.set_axisbelow(True)


def _legend(colours: dict[str, Any]) -> list[Patch]:
    named = [
        Patch(facecolor=colour, label=model or "no model") for model, colour in colours.items()
    ]
    if len(named) == MOST_MODELS:
        named.append(Patch(facecolor=_OTHER, label="other models"))
    hatched = Patch(facecolor="white", edgecolor=_INK, hatch="//////", label="loading")
    return [*named, hatched, Patch(facecolor=_IDLE, label="idle")]


def _title(played: Played, shown: int) -> str:
    devices = len(played.world.machines)
    some = f", {shown} of them shown" if shown < devices else ""
    done = sum(1 for outcome in played.runs.outcome if outcome == Outcome.DONE)
    return f"{done:,} tasks on {devices:,} devices{some}"
