"""What Prometheus reads: the farm from the database at each scrape, the API's requests from memory.

One registry per process, handed in; the API has one process, so nothing has to be merged.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from coordinator.store.view_measures import Counts, Measures, Spread

_LOG = logging.getLogger(__name__)
_GIB = float(2**30)

TASK_BOUNDS = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200)
RATIO_BOUNDS = (0.5, 0.67, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.25, 1.5, 2, 3)
"""Of measured over predicted: 1 is as predicted."""
_REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

Read = Callable[[], Measures]
"""The farm in numbers, now. May raise: then the scrape says that the database is away."""


class FarmCollector(Collector):
    """Turns what the database says into metrics."""

    def __init__(self, read: Read, streams: Callable[[], int]) -> None:
        self._read, self._streams = read, streams

    def describe(self) -> Iterable[Metric]:
        """Nothing: a registry then need not ask the database just to learn the names."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All metrics; only the first two while the database is away."""
        yield _gauge("event_streams", "Event streams that are open.", (), {(): self._streams()})
        try:
            found = self._read()
        except Exception:
            _LOG.exception("the farm could not be measured")
            yield _gauge("database_up", "1 while the database answers.", (), {(): 0})
            return
        yield _gauge("database_up", "1 while the database answers.", (), {(): 1})
        yield from _work(found)
        yield from _machines(found)
        yield from _totals(found)
        yield from _predictions(found)


def _work(found: Measures) -> Iterable[Metric]:
    yield _gauge("jobs", "Jobs by state.", ("state",), found.jobs)
    yield _gauge("tasks", "Tasks by state and kind.", ("state", "kind"), found.tasks)
    yield _gauge("tasks_waiting", "Tasks that wait, by reason.", ("reason",), found.waiting)
    yield _gauge(
        "oldest_waiting_seconds",
        "Age of the oldest task that waits, by reason, since it was made.",
        ("reason",),
        found.oldest_waiting,
    )


def _machines(found: Measures) -> Iterable[Metric]:
    device = ("worker", "device")
    yield _gauge("workers", "Workers by state.", ("state",), found.workers)
    yield _gauge(
        "worker_silence_seconds", "Since a worker was last heard.", ("worker",), found.silence
    )
    yield _gauge(
        "device_memory_bytes",
        "A device's memory: total, free, resident (models) and foreign (other programs).",
        (*device, "part"),
        {labels: gib * _GIB for labels, gib in found.memory.items()},
    )
    yield _gauge("device_utilisation_ratio", "How busy, 0 to 1.", device, found.utilisation)
    yield _gauge("device_temperature_celsius", "How warm.", device, found.temperature)
    yield _gauge("device_power_watts", "What it draws.", device, found.power)


def _totals(found: Measures) -> Iterable[Metric]:
    yield _spread(
        *("task_seconds", "How long tries that succeeded ran."),
        ("kind", "model"),
        found.task_seconds,
        TASK_BOUNDS,
    )
    model = ("model",)
    yield _counter("model_loads", "How often a model was loaded.", model, found.loads)
    yield _counter(
        "model_load_seconds", "What loading models took, together.", model, found.load_seconds
    )
    yield _counter(
        "attempts",
        "Tries that ended. One that was lost and delivered after all counts as both.",
        ("kind", "outcome", "failure"),
        found.attempts,
    )
    yield _counter("video_seconds", "Video rendered.", model, found.video_seconds)
    yield _counter("voice_seconds", "Narration spoken.", (), {(): found.voice_seconds})
    yield _counter("film_seconds", "Length of finished films.", (), {(): found.film_seconds})


def _predictions(found: Measures) -> Iterable[Metric]:
    where = ("model", "device_type")
    yield _spread(
        *("prediction_memory_ratio", "Peak memory, measured over predicted."),
        where,
        found.memory_ratio,
        RATIO_BOUNDS,
    )
    yield _spread(
        *("prediction_seconds_ratio", "Seconds of a clip, measured over predicted."),
        where,
        found.seconds_ratio,
        RATIO_BOUNDS,
    )
    yield _counter("out_of_memory", "Tries that ran out of memory.", where, found.out_of_memory)
    yield _gauge("lessons", "Models and plans that were measured.", where[1:], found.lessons)


def _gauge(name: str, about: str, labels: tuple[str, ...], values: Counts) -> Metric:
    family = GaugeMetricFamily(f"reelyard_{name}", about, labels=labels)
    for given, value in sorted(values.items()):
        family.add_metric(given, value)
    return family


def _counter(name: str, about: str, labels: tuple[str, ...], values: Counts) -> Metric:
    family = CounterMetricFamily(f"reelyard_{name}", about, labels=labels)
    for given, value in sorted(values.items()):
        family.add_metric(given, value)
    return family


def _spread(
    name: str,
    about: str,
    labels: tuple[str, str],
    values: Mapping[tuple[str, str], Spread],
    bounds: Sequence[float],
) -> Metric:
    family = HistogramMetricFamily(f"reelyard_{name}", about, labels=labels)
    for given, spread in sorted(values.items()):
        buckets = [
            (str(float(bound)), float(count))
            for bound, count in zip(bounds, spread.at_most, strict=True)
        ]
        family.add_metric(given, [*buckets, ("+Inf", float(spread.count))], spread.total)
    return family


class Metrics:
    """The registry, and the API's own counters in it."""

    def __init__(self, read: Read, streams: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "reelyard_api_requests",
            "Requests by method, address and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "reelyard_api_request_seconds",
            "Until the first byte of the answer.",
            ("route",),
            buckets=_REQUEST_BOUNDS,
            registry=self.registry,
        )
        self.registry.register(FarmCollector(read, streams))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The text that Prometheus reads, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
