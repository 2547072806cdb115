"""From the farm in numbers to what Prometheus reads."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coordinator.metrics import TASK_BOUNDS, Metrics
from coordinator.store.view_measures import Measures
from tests.support.measures import metric_names, metrics_of, some_measures


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    body, content_type = metrics.page("text/plain")
    assert content_type.startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def at(found: dict[Any, float], name: str, **labels: str) -> float:
    return found[f"reelyard_{name}", frozenset(labels.items())]


def test_everything_is_told_under_one_prefix() -> None:
    assert len(metric_names()) > 20
    assert all(name.startswith("reelyard_") for name in metric_names())


def test_counts_and_memory() -> None:
    found = samples(metrics_of(some_measures()))
    assert at(found, "tasks", state="waiting", kind="voice") == 3
    assert at(found, "tasks_waiting", reason="devices are busy") == 3
    assert at(found, "oldest_waiting_seconds", reason="devices are busy") == 12.5
    gib = at(found, "device_memory_bytes", worker="w", device="cuda:0", part="total")
    assert gib == 24 * 2**30
    assert at(found, "event_streams") == 4 and at(found, "database_up") == 1
    assert at(found, "attempts_total", kind="video", outcome="failed", failure="crashed") == 1
    assert at(found, "film_seconds_total") == 8


def test_seconds_per_task_are_a_whole_histogram() -> None:
    found = samples(metrics_of(some_measures()))
    video = {"kind": "video", "model": "reelyard-demo"}
    counts = [at(found, "task_seconds_bucket", **video, le=str(float(b))) for b in TASK_BOUNDS]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 1
    assert at(found, "task_seconds_bucket", **video, le="+Inf") == 2
    assert at(found, "task_seconds_count", **video) == 2
    assert at(found, "task_seconds_sum", **video) == 9_009


def test_requests_are_counted_and_timed() -> None:
    metrics = metrics_of(some_measures())
    metrics.count("GET", "/api/v1/jobs", 200, 0.2)
    found = samples(metrics)
    assert at(found, "api_requests_total", method="GET", route="/api/v1/jobs", status="200") == 2
    assert at(found, "api_request_seconds_count", route="/api/v1/jobs") == 2
    assert at(found, "api_request_seconds_bucket", route="/api/v1/jobs", le="0.1") == 1


def test_a_database_that_is_away_is_a_figure_too(caplog: pytest.LogCaptureFixture) -> None:
    def away() -> Measures:
        raise OSError("no route to the database")

    with caplog.at_level(logging.ERROR):
        found = samples(Metrics(away, lambda: 1))
    assert at(found, "database_up") == 0 and at(found, "event_streams") == 1
    assert not any(name.startswith("reelyard_jobs") for name, _ in found)
    assert "no route" in caplog.text


def test_registries_are_not_shared() -> None:
    one, two = metrics_of(some_measures()), metrics_of(some_measures())
    one.count("GET", "/", 200, 0.0)
    assert samples(one).keys() != samples(two).keys()


def test_openmetrics_is_spoken_to_who_asks() -> None:
    body, content_type = metrics_of(some_measures()).page(
        "application/openmetrics-text; version=1.0.0"
    )
    assert content_type.startswith("application/openmetrics-text") and body.endswith(b"# EOF\n")
