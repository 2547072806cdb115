"""The floors of the living farm are held to what was measured, and said in a line each."""

from __future__ import annotations

import pytest

from bench.durable.figures import Accepted, Figures, Latency, Throughput, floors, report

LATENCY = Latency([float(ms) for ms in range(1, 101)], {"placed": 4.0})


def figures(seconds: float = 2.0, latency: Latency = LATENCY, accepted: float = 1.0) -> Figures:
    run = Throughput(1000, seconds, 0.5, {"api": 0.2, "worker": 0.3}, {"turn": (1.5, 1.0, 7)})
    return Figures("sqlite", 8, run, latency, Accepted(10_001, 400_000, accepted))


def test_a_share_of_the_sorted_is_read_off() -> None:
    shuffled = Latency([3.0, 1.0, 2.0], {})
    assert (shuffled.share(0.0), shuffled.share(0.5), shuffled.share(0.99)) == (1.0, 2.0, 3.0)
    assert (LATENCY.share(0.5), LATENCY.share(0.99)) == (51.0, 100.0)


@pytest.mark.parametrize(
    ("found", "broken"),
    [
        (figures(latency=Latency([50.0] * 99 + [250.0], {})), []),
        (figures(seconds=2.6), ["share of raw Celery", "p50"]),
        (figures(latency=Latency([20.0] * 98 + [251.0] * 2, {})), ["p99"]),
        (figures(latency=Latency([1.0], {}), accepted=3.01), ["10001 tasks accepted"]),
    ],
)
def test_each_floor_is_held_to_its_own_figure(found: Figures, broken: list[str]) -> None:
    held = floors(found, raw_rate=1000.0)
    failed = [floor for floor in held if not floor.holds]
    assert len(held) == 4 and len(failed) == len(broken)
    for floor, name in zip(failed, broken, strict=True):
        assert name in floor.name and floor.sentence().endswith("DOES NOT HOLD")


def test_the_report_names_rates_parts_and_cpu() -> None:
    said = report(figures(), raw_cpu_ms=1.25)
    assert "1000 tasks in 2.00 s = 500/s" in said
    assert "api 0.20, worker 0.30, all 0.50; raw Celery's without its broker 1.25" in said
    assert "placed 4.0" in said and "10001 tasks (400000 bytes) accepted in 1.00 s" in said
