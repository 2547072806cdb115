"""The comparison as text: tables that a terminal and a log can show. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from bench.published.compare import Compared, Ladder, SpeedUp, ladders, speed_ups
from bench.published.facts import Fact
from bench.published.floors import CLOSE, DIFFUSERS, NEAR, Floor, errors, share_within

Line = Sequence[str]

GROUPS: dict[str, Callable[[Fact], str]] = {
    "model": lambda fact: fact.model,
    "device": lambda fact: fact.device or "any",
    "engine": lambda fact: fact.engine,
    "role": lambda fact: fact.role.value,
}


def report(rows: Sequence[Compared], floors: Sequence[Floor]) -> str:
    """Everything but the single rows."""
    counted = [row for row in rows if row.fact.counts]
    parts = [grouped(counted if by != "role" else rows, by) for by in GROUPS]
    parts += [_worst_under(counted), _ladders(ladders(rows)), _gains(speed_ups(rows))]
    parts += [_unanswered(counted), _verdicts(floors)]
    return "\n\n".join(part for part in parts if part)


def grouped(rows: Iterable[Compared], by: str) -> str:
    """Errors of memory and of time by model, device, engine or role."""
    groups: dict[str, list[Compared]] = defaultdict(list)
    for row in rows:
        groups[GROUPS[by](row.fact)].append(row)
    head = (
        by,
        "memory rows",
        "median",
        "worst",
        "time rows",
        "median",
        "worst",
        "<= 1.3",
        "<= 1.6",
    )
    return table(head, [_group(name, groups[name]) for name in sorted(groups)])


def every_row(rows: Iterable[Compared]) -> str:
    """Each fact on a line: what was run, published and predicted memory and time."""
    head = ("role", "run", "GiB", "predicted", "error", "seconds", "predicted", "ratio", "source")
    return table(head, [_row(row) for row in rows])


def name_of(fact: Fact) -> str:
    """`hunyuanvideo 768x512x121, 50 steps, a100-80gb: bf16, model offload, tiled (diffusers)`"""
    size = f"{fact.width}x{fact.height}x{fact.frames}, {fact.steps} steps"
    where = f"{fact.gpus} x {fact.device}" if fact.gpus > 1 else fact.device or "any device"
    return f"{fact.model} {size}, {where}: {plan_of(fact)} ({fact.engine})"


def plan_of(fact: Fact) -> str:
    """The plan in words; what is not said has a question mark."""
    words = [fact.precision.value]
    words.append("offload ?" if fact.offload is None else f"offload {fact.offload.value}")
    words += {None: ["tiled ?"], True: ["tiled"], False: []}[fact.vae_tiling]
    words.append("kernel ?" if fact.attention is None else fact.attention.value)
    words += ["compiled"] * fact.compiled + ["sharded"] * fact.sharded
    words += [fact.split.value] * (fact.gpus > 1)
    return ", ".join(words)


def table(head: Line, lines: Sequence[Line]) -> str:
    """Columns as wide as they need to be; the first is set left, as are sentences."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    ruled = [head, ["-" * width for width in widths], *lines]
    return "\n".join(_set(line, widths) for line in ruled)


def _set(line: Line, widths: Sequence[int]) -> str:
    cells = zip(line, widths, strict=True)
    wide = 24
    return "  ".join(
        cell.ljust(width) if index == 0 or width > wide else cell.rjust(width)
        for index, (cell, width) in enumerate(cells)
    ).rstrip()


def _group(name: str, rows: Sequence[Compared]) -> Line:
    memory = errors(rows)
    times = [row.time_factor for row in rows if row.time_factor is not None]
    return (name, str(len(memory)), *_memory(memory), str(len(times)), *_times(times))


def _memory(found: Sequence[float]) -> Line:
    if not found:
        return ("", "")
    return (f"{median(map(abs, found)):.1%}", f"{max(found, key=abs):+.1%}")


def _times(found: Sequence[float]) -> Line:
    if not found:
        return ("", "", "", "")
    shares = (f"{share_within(found, limit):.0%}" for limit in (CLOSE, NEAR))
    return (f"{median(found):.2f} x", f"{max(found):.2f} x", *shares)


def _row(row: Compared) -> Line:
    fact, memory, ratio = row.fact, row.memory_error, row.time_ratio
    return (
        fact.role.value,
        name_of(fact),
        _number(fact.peak_gib),
        _number(row.answer.peak_vram_gib if fact.peak_gib else None),
        "" if memory is None else f"{memory:+.1%}",
        _number(fact.seconds),
        _number(row.seconds if fact.seconds else None),
        "" if ratio is None else f"{ratio:.2f}",
        f"{fact.source.repository} {fact.source.path}",
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _worst_under(rows: Sequence[Compared]) -> str:
    told = [row for row in rows if row.fact.stated and row.fact.engine == DIFFUSERS]
    low = [row for row in told if row.memory_error is not None and row.memory_error < 0]
    lines = [_row(row)[1:5] for row in sorted(low, key=lambda row: row.memory_error or 0.0)[:5]]
    head = ("most below, diffusers, plan stated", "GiB", "predicted", "error")
    return table(head, lines) if lines else ""


def _ladders(found: Iterable[Ladder]) -> str:
    lines = [line for ladder in found for line in _rungs(ladder)]
    return table(("ladder", "published", "predicted", "order"), lines) if lines else ""


def _rungs(ladder: Ladder) -> Iterator[Line]:
    wrong = {id(row) for pair in ladder.reversed_pairs for row in pair}
    yield (ladder.name, "", "", "reversed" if wrong else "kept")
    for row in ladder.rungs:
        mark = "reversed" if id(row) in wrong else ""
        figures = (_number(row.fact.peak_gib), _number(row.answer.peak_vram_gib))
        yield (f"  {plan_of(row.fact)}", *figures, mark)


def _gains(found: Iterable[SpeedUp]) -> str:
    lines = [
        (
            name_of(gain.together.fact),
            f"{gain.published:.2f}",
            f"{gain.predicted:.2f}",
            f"{gain.error:+.1%}",
        )
        for gain in found
    ]
    return table(("speed-up", "published", "predicted", "error"), lines) if lines else ""


def _unanswered(rows: Iterable[Compared]) -> str:
    silent = [row for row in rows if not row.is_answered]
    lines = [(name_of(row.fact), row.answer.status.value, row.answer.because) for row in silent]
    return table(("not predicted", "status", "because"), lines) if lines else ""


def _verdicts(floors: Iterable[Floor]) -> str:
    lines = [
        (floor.name, floor.limit, floor.found, "holds" if floor.holds else "FAILS")
        for floor in floors
    ]
    return table(("floor", "limit", "found", ""), lines)
