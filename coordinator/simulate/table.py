"""Results for people: plays side by side, then types, owners and what never ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coordinator.simulate.result import Result, Simulated
from reelyard.cli.predict import spoken
from reelyard.cli.speak import out, show, show_table

_MOST_OWNERS = 10

Figure = Callable[[Result], str]


def tell(simulated: Simulated) -> None:
    """All of it on stdout."""
    results = simulated.results
    heads = ("", *(_title(one, results) for one in results))
    changes = len(results) == 2
    rows = (
        (name, *(figure(one) for one in results), *(_change(results, number) if changes else ()))
        for name, figure, number in _FIGURES
    )
    show_table((*heads, "change") if changes else heads, rows)
    for one in results:
        out().print()
        show(f"{_title(one, results)}, {one.fleet}".strip(", "))
        _types(one)
        _owners(one)
        _never_ran(one)
    if results[0].bound_seconds is None or "no proof" in results[0].bound_because:
        out().print()
        show(f"bound: {results[0].bound_because}")


def _title(one: Result, results: Sequence[Result]) -> str:
    """Policy, fleet, or both: what tells the plays apart."""
    several_fleets = len({other.fleet for other in results}) > 1
    several_policies = len({other.policy for other in results}) > 1
    if several_fleets and not several_policies:
        return one.fleet
    return f"{one.policy}, {one.fleet}" if several_fleets else one.policy


def _change(results: Sequence[Result], number: Callable[[Result], float | None]) -> tuple[str]:
    before, after = number(results[0]), number(results[-1])
    if before is None or after is None or before == after:
        return ("",)
    if not before:
        return (f"{after:+,.3g}",)
    return (f"{after / before - 1:+.1%}",)


def _seconds(value: float) -> str:
    """`11.2 h (40,267 s)`; short times alone."""
    return spoken(value) if value < 90 else f"{spoken(value)} ({value:,.0f} s)"


def _bound(one: Result) -> str:
    return "-" if one.bound_seconds is None else _seconds(one.bound_seconds)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _lag(one: Result) -> str:
    lag, owner = one.fairness.worst_lag_device_seconds, one.fairness.worst_lag_owner
    return f"{lag:,.0f} device-s ({owner})" if len(one.fairness.owners) > 1 else "-"


def _jain(one: Result) -> str:
    mean, worst = one.fairness.jain_mean, one.fairness.jain_worst
    return "-" if mean is None or worst is None else f"{mean:.3f}, worst {worst:.3f}"


def _deciding(one: Result) -> str:
    d = one.deciding
    return f"{d.wall_p50_ms:.3f} / {d.wall_p99_ms:.3f} / {d.wall_max_ms:.2f} ms"


def _share(one: Result, loading: bool) -> float:
    whole = one.devices * one.makespan_seconds or 1.0
    return (
        sum(t.loading_device_seconds if loading else t.busy_device_seconds for t in one.types)
        / whole
    )


_FIGURES: tuple[tuple[str, Figure, Callable[[Result], float | None]], ...] = (
    ("devices", lambda r: f"{r.devices:,}", lambda r: r.devices),
    ("tasks done", lambda r: f"{r.tasks_done:,} of {r.tasks:,}", lambda r: r.tasks_done),
    ("makespan", lambda r: _seconds(r.makespan_seconds), lambda r: r.makespan_seconds),
    ("  lower bound", _bound, lambda r: r.bound_seconds),
    ("  over it", lambda r: _percent(r.gap), lambda r: None),
    ("flow, mean", lambda r: _seconds(r.flow_seconds.mean), lambda r: r.flow_seconds.mean),
    ("  p50", lambda r: _seconds(r.flow_seconds.p50), lambda r: r.flow_seconds.p50),
    ("  p95", lambda r: _seconds(r.flow_seconds.p95), lambda r: r.flow_seconds.p95),
    ("  p99", lambda r: _seconds(r.flow_seconds.p99), lambda r: r.flow_seconds.p99),
    ("slowdown, mean", lambda r: f"{r.slowdown.mean:,.2f}", lambda r: r.slowdown.mean),
    ("  p95", lambda r: f"{r.slowdown.p95:,.2f}", lambda r: r.slowdown.p95),
    ("devices busy", lambda r: _percent(_share(r, False)), lambda r: _share(r, False)),
    ("  loading models", lambda r: _percent(_share(r, True)), lambda r: _share(r, True)),
    (
        "loads",
        lambda r: f"{r.loads:,} ({r.loads_per_task:.3f} a task)",
        lambda r: r.loads,
    ),
    ("failed runs", lambda r: f"{r.failed_runs:,}", lambda r: r.failed_runs),
    ("stopped runs", lambda r: f"{r.stopped_runs:,}", lambda r: r.stopped_runs),
    ("on time", lambda r: _percent(r.on_time_share), lambda r: r.on_time_share),
    ("worst lag", _lag, lambda r: r.fairness.worst_lag_device_seconds),
    ("Jain's index", _jain, lambda r: r.fairness.jain_mean),
    ("decisions", lambda r: f"{r.deciding.decisions:,}", lambda r: r.deciding.decisions),
    ("  p50 / p99 / max", _deciding, lambda r: None),
    ("  CPU in all", lambda r: f"{r.deciding.cpu_seconds:.2f} s", lambda r: None),
)


def _types(one: Result) -> None:
    whole = one.makespan_seconds or 1.0
    rows = (
        (
            use.type,
            f"{use.devices:,}",
            f"{use.busy_share:.1%}",
            f"{use.loading_device_seconds / (use.devices * whole):.1%}",
            f"{use.idle_device_seconds / (use.devices * whole):.1%}",
            f"{use.loads:,}",
        )
        for use in one.types
    )
    show_table(("type", "devices", "busy", "loading", "idle", "loads"), rows)


def _owners(one: Result) -> None:
    owners = one.fairness.owners
    if len(owners) < 2:
        return
    rows = (
        (
            who.owner,
            f"{who.weight:g}",
            f"{who.tasks:,}",
            f"{who.device_seconds:,.0f}",
            f"{who.share:.1%}",
            f"{who.received_device_seconds:,.0f} of {who.entitled_device_seconds:,.0f}",
            f"{who.worst_lag_device_seconds:,.0f}",
            "-" if who.mean_flow_seconds is None else spoken(who.mean_flow_seconds),
        )
        for who in owners[:_MOST_OWNERS]
    )
    heads = ("owner", "weight", "tasks", "device-s", "share", "while waiting got", "lag", "flow")
    show_table(heads, rows)
    if len(owners) > _MOST_OWNERS:
        show(f"and {len(owners) - _MOST_OWNERS:,} more owners: --json lists them all")


def _never_ran(one: Result) -> None:
    for group in one.never_ran:
        more = ", ..." if group.tasks > len(group.examples) else ""
        many = "1 task" if group.tasks == 1 else f"{group.tasks:,} tasks"
        show(f"never ran: {many} ({', '.join(group.examples)}{more}): {group.because}")
