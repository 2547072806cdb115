"""The farm in numbers, made up: something in every place, so that every metric has a sample."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from prometheus_client import CollectorRegistry

from coordinator.metrics import RATIO_BOUNDS, TASK_BOUNDS, Metrics
from coordinator.store.view_measures import Measures, Spread

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def some_measures(**other: Any) -> Measures:
    at_most = tuple(1 if bound >= 10 else 0 for bound in TASK_BOUNDS)
    off = tuple(2 if bound >= 1.1 else 0 for bound in RATIO_BOUNDS)
    device = ("w", "cuda:0")
    given: dict[str, Any] = {
        "jobs": {("running",): 2},
        "tasks": {("running", "video"): 1, ("waiting", "voice"): 3},
        "waiting": {("devices are busy",): 3},
        "oldest_waiting": {("devices are busy",): 12.5},
        "workers": {("online",): 1, ("offline",): 0},
        "silence": {("w",): 0.5},
        "memory": {(*device, part): gib for part, gib in (("total", 24.0), ("free", 20.0))},
        "utilisation": {device: 0.5},
        "temperature": {device: 60.0},
        "power": {device: 200.0},
        "task_seconds": {("video", "reelyard-demo"): Spread(at_most, 2, 9_009.0)},
        "loads": {("reelyard-demo",): 1},
        "load_seconds": {("reelyard-demo",): 2.5},
        "attempts": {("video", "done", ""): 2, ("video", "failed", "crashed"): 1},
        "video_seconds": {("reelyard-demo",): 8.0},
        "voice_seconds": 6.0,
        "film_seconds": 8.0,
        "memory_ratio": {("reelyard-demo", "cpu"): Spread(off, 2, 2.1)},
        "seconds_ratio": {("reelyard-demo", "cpu"): Spread(off, 2, 2.1)},
        "out_of_memory": {("reelyard-demo", "cpu"): 1},
        "lessons": {("cpu",): 3},
    }
    assert given.keys() == {field.name for field in fields(Measures)}
    return Measures(**{**given, **other})


def metrics_of(measures: Measures) -> Metrics:
    metrics = Metrics(lambda: measures, lambda: 4)
    metrics.count("GET", "/api/v1/jobs", 200, 0.003)
    return metrics


def metric_names() -> set[str]:
    """Every name that a query may use."""
    registry: CollectorRegistry = metrics_of(some_measures()).registry
    return {
        family.name + suffix for family in registry.collect() for suffix in _SUFFIXES[family.type]
    }
