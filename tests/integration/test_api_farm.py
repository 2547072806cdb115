"""The farm over HTTP: workers, models, overview, health, figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coordinator.api.app import make_parts, with_parts
from coordinator.api.checks import Unwell
from coordinator.api.health import REMEMBERED_SECONDS
from reelyard.errors import Unreachable
from reelyard.failure import FailureKind
from reelyard.messages import DeviceReport, Resident
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem

CARD = DeviceReport(
    id="cuda:0",
    kind="cuda",
    name="rtx-4090",
    memory_gib=24.0,
    free_gib=20.0,
    foreign_gib=1.0,
    utilisation=0.5,
    power_w=200.0,
    resident=(Resident(model="reelyard-demo", gib=3.0),),
)
CPU = DeviceReport(id="cpu", kind="cpu", name="cpu", memory_gib=16.0, free_gib=15.0)


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


def figures(api: ApiInHand) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = api.bare.get("/metrics")
    assert answer.status_code == 200 and answer.mimetype == "text/plain"
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def figure(api: ApiInHand, name: str, **labels: str) -> float:
    return figures(api)[f"reelyard_{name}", frozenset(labels.items())]


def test_workers_with_their_devices(api: ApiInHand) -> None:
    api.farm.hello(CPU, CARD, worker="node-1")
    api.farm.turn()
    listed = api.get("/workers").get_json()["data"]
    assert [worker["id"] for worker in listed] == ["node-1"]
    assert api.get("/workers/node-1").get_json() == listed[0]
    card = next(device for device in listed[0]["devices"] if device["id"] == "cuda:0")
    assert card["resident"] == [{"model": "reelyard-demo", "gib": 3.0}]
    assert problem(api.get("/workers/node-2"), 404)["remedy"]


def test_models_and_where_they_are(api: ApiInHand) -> None:
    api.farm.hello(models=("reelyard-demo",), voices=("heart",))
    api.farm.turn()
    models = {model["id"]: model for model in api.get("/models").get_json()["data"]}
    assert models["reelyard-demo"]["available_on"] == ["w"] and models["reelyard-demo"]["width"]
    assert models["heart"]["kind"] == "voice" and models["wan2.1-t2v-14b"]["available_on"] == []


def test_the_overview(api: ApiInHand) -> None:
    api.farm.hello()
    api.submitted()
    api.farm.run_all()
    api.submitted()
    found = api.get("/overview?minutes=10").get_json()
    assert found["jobs"] == {"done": 1, "queued": 1} and found["films_today"] == 1
    assert found["waiting_because"] == {"not looked at yet": 4}
    assert sum(point["tasks"] for point in found["throughput"]) == 4
    assert len(found["throughput"]) == 10


def test_a_well_farm(api: ApiInHand) -> None:
    api.farm.turn()
    answer = api.bare.get("/api/v1/health")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")
    assert set(answer.get_json()["parts"].values()) == {"ok"}


def test_without_its_loop_a_farm_is_degraded(api: ApiInHand) -> None:
    answer = api.bare.get("/api/v1/health")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "degraded")
    assert "no coordinator leads" in answer.get_json()["parts"]["loop"]


def test_health_says_what_is_wrong_but_not_where(api: ApiInHand) -> None:
    asked = []

    def broken() -> None:
        asked.append(1)
        raise Unreachable("s3://secret-bucket does not work", "Ask bob@10.0.0.7.")

    def slow() -> None:
        raise Unwell("is on holiday")

    given, farm = api.parts, api.farm
    checks = {"broker": broken, "store": broken, "other": slow}
    parts = make_parts(
        given.settings, given.database, api.store, farm.intake, farm.catalog, farm.clock, checks
    )
    client = with_parts(replace(given, health=parts.health)).test_client()
    for _ in range(3):
        found = client.get("/api/v1/health").get_json()
        assert found["parts"]["broker"].startswith("does not answer")
        assert found["parts"]["other"] == "is on holiday" and found["parts"]["store"] == "ok"
        assert "secret" not in str(found) and "10.0.0.7" not in str(found)
    assert len(asked) == 1  # remembered for a moment
    farm.clock.advance(REMEMBERED_SECONDS)
    client.get("/api/v1/health")
    assert len(asked) == 2


def test_the_index_says_where_things_are(api: ApiInHand) -> None:
    found = api.bare.get("/").get_json()
    assert api.bare.get(found["openapi"]).status_code == 200
    assert api.bare.get(found["health"]).status_code == 200
    assert api.bare.get(found["metrics"]).status_code == 200


def test_figures_of_work(api: ApiInHand) -> None:
    api.farm.hello(CPU, CARD)
    job_id = api.submitted()
    assert figure(api, "oldest_waiting_seconds", reason="not looked at yet") == 0
    api.farm.clock.advance(30)
    assert figure(api, "oldest_waiting_seconds", reason="not looked at yet") == 30
    api.farm.hello(CPU, CARD)
    api.farm.run_all()
    assert api.get(f"/jobs/{job_id}").get_json()["state"] == "done"
    assert figure(api, "jobs", state="done") == 1 and figure(api, "jobs", state="failed") == 0
    assert figure(api, "tasks", state="done", kind="video") == 2
    demo = {"model": "reelyard-demo"}
    assert figure(api, "task_seconds_count", kind="video", **demo) == 2
    assert figure(api, "task_seconds_sum", kind="video", **demo) == 3.0
    assert figure(api, "task_seconds_bucket", kind="video", **demo, le="1.0") == 0
    assert figure(api, "task_seconds_bucket", kind="video", **demo, le="2.0") == 2
    assert figure(api, "attempts_total", kind="video", outcome="done", failure="") == 2
    film = api.get(f"/jobs/{job_id}").get_json()["film"]
    assert figure(api, "video_seconds_total", **demo) >= film["seconds"] > 0
    assert figure(api, "film_seconds_total") == pytest.approx(film["seconds"])
    assert figure(api, "voice_seconds_total") == 2.0


def test_figures_of_machines(api: ApiInHand) -> None:
    api.farm.hello(CPU, CARD)
    api.farm.turn()
    card = {"worker": "w", "device": "cuda:0"}
    gib = {
        part: figure(api, "device_memory_bytes", **card, part=part) / 2**30
        for part in ("total", "free", "resident", "foreign")
    }
    assert gib == {"total": 24.0, "free": 20.0, "resident": 3.0, "foreign": 1.0}
    assert figure(api, "device_utilisation_ratio", **card) == 0.5
    assert figure(api, "workers", state="online") == 1
    api.farm.turn(seconds=60)
    assert figure(api, "workers", state="offline") == 1
    assert figure(api, "worker_silence_seconds", worker="w") >= 60
    assert not any(name == "reelyard_device_memory_bytes" for name, _ in figures(api))


def test_totals_never_fall(api: ApiInHand) -> None:
    """A try that was lost and delivers after all stays among the lost."""
    api.farm.hello()
    api.submitted()
    order = api.farm.turn()[0]
    api.farm.started(order)
    api.farm.turn()
    api.farm.turn(seconds=60)  # silence: the try is lost
    kind = "video" if order.work.kind == "video" else "voice"
    lost = {"kind": kind, "outcome": "lost", "failure": ""}
    assert figure(api, "attempts_total", **lost) == 1
    before = {key: value for key, value in figures(api).items() if key[0].endswith("_total")}
    api.farm.hello()
    api.farm.finished(order)
    api.farm.run_all()
    after = figures(api)
    assert all(after[key] >= value for key, value in before.items())
    assert after["reelyard_attempts_total", frozenset(lost.items())] == 1


def test_failures_are_counted_by_kind(api: ApiInHand) -> None:
    api.farm.hello()
    api.submitted()
    order = api.farm.turn()[0]
    api.farm.started(order)
    api.farm.failed(order, FailureKind.OUT_OF_MEMORY)
    api.farm.turn()
    failed = {"kind": order.work.kind, "outcome": "failed", "failure": "out_of_memory"}
    assert figure(api, "attempts_total", **failed) == 1


def test_requests_are_counted_by_address_not_by_id(api: ApiInHand) -> None:
    for number in range(3):
        api.get(f"/jobs/job-nobody{number}")
    api.get("/nothing/like/this")
    api.open("BREW", "/coffee")
    route = "/api/v1/jobs/<job_id>"
    counted = figure(api, "api_requests_total", method="GET", route=route, status="404")
    assert counted == 3
    for method in ("GET", "other"):
        assert figure(api, "api_requests_total", method=method, route="unknown", status="404") == 1
