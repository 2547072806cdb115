"""Dashboard and alert rules use metrics, labels and states that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from coordinator.store.view_farm import REASON_KINDS
from reelyard.states import JobState, TaskState, WorkerState
from tests.support.measures import metric_names, metrics_of, some_measures

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads(
    (ROOT / "deploy/grafana/dashboards/reelyard.json").read_text(encoding="utf-8")
)
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
NAME = re.compile(r"\breelyard_\w+")
SELECTOR = re.compile(r"\b(reelyard_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")
VALUES = {
    ("reelyard_jobs", "state"): {state.value for state in JobState},
    ("reelyard_tasks", "state"): {state.value for state in TaskState},
    ("reelyard_workers", "state"): {state.value for state in WorkerState},
    ("reelyard_tasks_waiting", "reason"): REASON_KINDS,
    ("reelyard_oldest_waiting_seconds", "reason"): REASON_KINDS,
    ("reelyard_attempts_total", "outcome"): {"done", "failed", "lost", "cancelled"},
    ("reelyard_device_memory_bytes", "part"): {"total", "free", "resident", "foreign"},
}


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (rule["expr"] for rule in RULES)


def labels_by_name() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for family in metrics_of(some_measures()).registry.collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_there_is_enough_to_see_and_to_be_told() -> None:
    assert len(DASHBOARD["panels"]) >= 10
    told = {rule["alert"] for rule in RULES}
    assert {"ReelyardWorkerLost", "ReelyardNobodyCanRun", "ReelyardTasksFail"} <= told
    assert "ReelyardQueueOld" in told and len(told) == len(RULES)


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_only_metrics_that_exist_are_asked_for(expression: str) -> None:
    asked = set(NAME.findall(expression))
    assert asked <= metric_names()
    assert asked or expression.startswith("up{")
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_only_labels_and_values_that_exist_are_asked_for(expression: str) -> None:
    labels = labels_by_name()
    for name, selector in SELECTOR.findall(expression):
        for label, how, value in MATCHER.findall(selector):
            assert label in labels[name], (name, label)
            if (name, label) in VALUES:
                asked = set(value.split("|")) if "~" in how else {value}
                assert asked <= VALUES[name, label]
    names = NAME.findall(expression)
    for group in GROUPED.findall(expression):
        for label in (part.strip() for part in group.split(",")):
            assert any(label in labels[name] for name in names), label


def test_rules_say_what_to_do() -> None:
    for rule in RULES:
        assert rule["for"] and rule["labels"]["severity"] in {"warning", "critical"}
        assert ":" in rule["annotations"]["summary"]


def test_panels_have_their_place() -> None:
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24 and panel["title"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_scraped_job_has_the_name_the_rules_use() -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    assert [job["job_name"] for job in config["scrape_configs"]] == ["reelyard"]
    assert config["rule_files"] == ["alerts.yml"]
