"""Models over HTTP: what there is, where it fits, what was learned, predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reelyard.catalog import load_catalog
from reelyard.failure import FailureKind
from reelyard.messages import DeviceReport, Measured, Resident
from reelyard.predict.ask import predict
from reelyard.predict.lessons import Key, Lesson, gathered
from reelyard.predict.request import Request
from tests.support.api_in_hand import ApiInHand, api_in_hand, problem
from tests.support.farm_in_hand import CPU

CATALOG = load_catalog()
DEMO, SMALL = "reelyard-demo", "wan2.1-t2v-1.3b"
SILENT = {"picture": "a blue square moving up", "seconds": 3}
CARD = DeviceReport(
    id="cuda:0",
    kind="cuda",
    name="NVIDIA GeForce RTX 4090",
    memory_gib=23.5,
    free_gib=20.0,
    foreign_gib=1.5,
    resident=(Resident(model=DEMO, gib=1.0),),
)


@pytest.fixture
def api(tmp_path: Path) -> ApiInHand:
    return api_in_hand(tmp_path)


def view(**other: Any) -> dict[str, Any]:
    return {
        "model": SMALL,
        "plan": "bf16",
        "device": "rtx-4090",
        "runs": 3,
        "timed": 3,
        "memory": 1.1,
        "most_memory": 1.2,
        "seconds": 0.9,
        "spread": 1.1,
        "load": 1.0,
        "loads": 1,
        "failures": 0,
        **other,
    }


def put(api: ApiInHand, *lessons: dict[str, Any]) -> Any:
    return api.open("PUT", "/models/learned", json={"data": list(lessons)})


def test_models_with_their_weights(api: ApiInHand) -> None:
    models = {model["id"]: model for model in api.get("/models").get_json()["data"]}
    wan = models[SMALL]
    assert wan["parameters_billion"] == pytest.approx(7.2, abs=0.1)
    assert wan["weights_gib"] == pytest.approx(13.7, abs=0.1) and wan["frames"] == 81
    assert models["heart"]["parameters_billion"] is None


def test_the_matrix_of_the_farm_s_devices(api: ApiInHand) -> None:
    assert api.get("/models/fit").get_json()["devices"] == []
    api.farm.hello(CPU, CARD)
    api.farm.turn()
    found = api.get("/models/fit").get_json()
    assert [(d["id"], d["count"], d["memory_gib"]) for d in found["devices"]] == [
        ("rtx-4090", 1, 22.0),
        ("cpu", 1, 16.0),
    ]
    rows = {row["model"]: row for row in found["data"]}
    assert rows.keys() == CATALOG.models.keys()
    assert rows[DEMO]["resident_on"] == ["NVIDIA GeForce RTX 4090 (node w)"]
    cells = {cell["device"]: cell for cell in rows[SMALL]["cells"]}
    assert cells["rtx-4090"]["status"] == "ok" and cells["rtx-4090"]["seconds"] > 0
    assert cells["rtx-4090"]["bound_gib"] <= 22.0
    assert cells["cpu"]["status"] == "infeasible" and cells["cpu"]["seconds"] is None


def test_the_matrix_of_every_device(api: ApiInHand) -> None:
    found = api.get("/models/fit?all=true").get_json()
    assert {d["id"] for d in found["devices"]} == CATALOG.devices.keys()
    problem(api.get("/models/fit?all=perhaps"), 422)


def test_the_matrix_follows_what_was_learned(api: ApiInHand) -> None:
    def cell() -> dict[str, Any]:
        rows = api.get("/models/fit?all=true").get_json()["data"]
        row = next(row for row in rows if row["model"] == DEMO)
        return next(dict(c) for c in row["cells"] if c["device"] == "cpu")

    before = cell()
    assert cell() == before and not before["is_measured"]
    put(api, view(model=DEMO, plan=before["plan"], device="cpu", runs=40, timed=40, seconds=4.0))
    after = cell()
    assert after["is_measured"] and after["seconds"] > before["seconds"] * 3


def test_what_runs_have_taught(api: ApiInHand) -> None:
    assert api.get("/models/learned").get_json() == {"data": []}
    api.farm.hello()
    api.farm.submit(SILENT)
    (order,) = api.farm.turn()
    api.farm.finished(order, measured=Measured(run_seconds=20.0, peak_gib=1.0))
    api.farm.turn()
    (lesson,) = api.get("/models/learned").get_json()["data"]
    assert (lesson["model"], lesson["device"], lesson["runs"]) == (DEMO, "cpu", 1)
    assert lesson["plan"] == order.plan.sentence() and lesson["seconds"] > 0
    tried = api.get(f"/tasks/{order.task_id}").get_json()["attempts"][0]
    assert tried["predicted_seconds"] * lesson["seconds"] == pytest.approx(20.0)


def test_lessons_of_another_farm(api: ApiInHand) -> None:
    one, two = view(), view(device="h100-sxm", runs=9)
    assert put(api, one, two).get_json()["data"] == [two, one]
    fewer, more = view(runs=2, memory=1.4), view(device="h100-sxm", runs=10, memory=1.3)
    assert put(api, fewer, more).get_json()["data"] == [more, one]
    exported = api.get("/models/learned").get_json()
    assert api.open("PUT", "/models/learned", json=exported).get_json() == exported


@pytest.mark.parametrize(
    ("lesson", "field"),
    [
        (view(memory=1e9), "data.0.memory"),
        (view(runs=-1), "data.0.runs"),
        (view(seconds=0), "data.0.seconds"),
        ({"model": SMALL}, "data.0.plan"),
    ],
)
def test_lessons_that_make_no_sense_change_nothing(
    api: ApiInHand, lesson: dict[str, Any], field: str
) -> None:
    found = problem(put(api, lesson), 422)
    assert field in {item["field"] for item in found["errors"]}
    assert api.get("/models/learned").get_json() == {"data": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/models"),
        ("GET", "/models/fit"),
        ("GET", "/models/learned"),
        ("PUT", "/models/learned"),
        ("POST", "/predictions"),
    ],
)
def test_nobody_comes_in_without_a_token(api: ApiInHand, method: str, path: str) -> None:
    problem(api.bare.open(f"/api/v1{path}", method=method), 401)


# Predictions.


def test_predictions_are_the_predictor_s_in_the_order_of_the_questions(api: ApiInHand) -> None:
    asked = [
        {"model": SMALL, "device": "rtx-4090", "frames": 33},
        {"model": "nobody", "device": "rtx-4090"},
        {"model": DEMO, "device": "cpu", "resident": True},
        {"model": SMALL, "device": "rtx-4090", "frames": 33},
    ]
    found = api.post("/predictions", json={"requests": asked}).get_json()["data"]
    own = [predict(Request(**one), CATALOG).model_dump(mode="json") for one in asked]
    assert found == own
    assert [answer["status"] for answer in found] == ["ok", "unknown", "ok", "ok"]


def test_predictions_know_what_was_learned(api: ApiInHand) -> None:
    asked = {"model": DEMO, "device": "cpu"}
    put(api, view(model=DEMO, plan="fp32", device="cpu", seconds=3.0))
    (found,) = api.post("/predictions", json={"requests": [asked]}).get_json()["data"]
    key = Key(DEMO, "fp32", "cpu")
    taught = Lesson(key, 3, 3, 1.1, 1.2, 3.0, 1.1, 1.0, 1, 0)
    own = predict(Request(**asked), CATALOG, gathered([taught]))
    assert found["seconds"] == own.seconds != predict(Request(**asked), CATALOG).seconds


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "requests"),
        ([{"model": SMALL, "device": "cpu"}] * 1001, "requests"),
        ([{"model": SMALL, "device": "cpu"}, {"model": SMALL}], "requests.1.device"),
        ([{"model": SMALL, "device": "cpu", "frames": 0}], "requests.0.frames"),
        ([{"model": SMALL, "device": "cpu", "colour": "red"}], "requests.0.colour"),
        (["wan"], "requests.0"),
    ],
)
def test_a_bad_question_is_named(api: ApiInHand, requests: list[Any], field: str) -> None:
    found = problem(api.post("/predictions", json={"requests": requests}), 422)
    assert field in {item["field"] for item in found["errors"]}


# Figures.


def test_figures_of_predictions(api: ApiInHand) -> None:
    api.farm.hello()
    api.farm.submit(SILENT)
    (order,) = api.farm.turn()
    api.farm.failed(order, FailureKind.OUT_OF_MEMORY)
    (order,) = api.farm.turn()
    tried = api.farm.attempts()[-1]
    took = tried["predicted_seconds"] * 1.2
    peak = tried["predicted_peak_gib"] * 0.85
    api.farm.finished(order, measured=Measured(run_seconds=took, peak_gib=peak))
    api.farm.turn()
    text = api.bare.get("/metrics").text
    where = 'device_type="cpu",model="reelyard-demo"'
    assert f"reelyard_out_of_memory_total{{{where}}} 1.0" in text
    assert 'reelyard_lessons{device_type="cpu"} 1.0' in text
    for name, (under, over) in {"memory": (0.8, 0.9), "seconds": (1.1, 1.25)}.items():
        metric = f"reelyard_prediction_{name}_ratio"
        lines = [line for line in text.splitlines() if line.startswith(metric)]
        buckets = {line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines}
        found = {
            bound: next(v for k, v in buckets.items() if f'le="{bound}"' in k)
            for bound in (under, over)
        }
        assert found == {under: "0.0", over: "1.0"}
        assert any(k.startswith(metric + "_count") and v == "1.0" for k, v in buckets.items())
