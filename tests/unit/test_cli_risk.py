"""`reelyard risk`: what is said of deadlines, and when it is a failure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelyard.cli.exits import ExitCode
from tests.support.command_line import farm_for_commands, run
from tests.support.farm_on_paper import AT, FarmOnPaper, good, problem

LATE = {
    "job_id": "job-late",
    "title": "The Storm",
    "owner": "anna",
    "deadline": "2026-11-26T07:00:00Z",
    "verdict": "late",
    "because": "will miss 07:00 UTC by 40 min: it ends at about 07:40 UTC",
    "ending": {
        "soonest": "2026-11-26T07:10:00Z",
        "likely": "2026-11-26T07:40:00Z",
        "latest": "2026-11-26T08:20:00Z",
    },
    "late_seconds": 2400.0,
    "last": {
        "task_id": "job-late.s12.video1",
        "label": "Scene 12 · picture",
        "scene": 11,
        "ends": "2026-11-26T07:36:00Z",
    },
    "remedy": {
        "kind": "devices",
        "sentence": "one more 24 GiB card (rtx-4090) would hold it",
        "device": "rtx-4090",
        "memory_gib": 24.0,
        "count": 1,
        "ends": "2026-11-26T06:52:00Z",
    },
}
HELD = {
    **LATE,
    "job_id": "job-held",
    "title": "Calm Sea",
    "verdict": "held",
    "because": "will hold 07:00 UTC, with 2 h to spare",
    "late_seconds": -7200.0,
    "remedy": None,
}


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    monkeypatch.setenv("TZ", "UTC")
    return farm_for_commands(tmp_path, monkeypatch)


def risks(*found: dict[str, Any], notes: tuple[str, ...] = ()) -> Any:
    return good({"at": AT, "data": list(found), "notes": list(notes), "played": 7})


def test_a_line_for_each_and_what_would_hold_those_that_are_late(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", risks(LATE, HELD, notes=("3 tasks wait",)))
    answer = run("risk")
    assert answer.exit_code == ExitCode.OK
    lines = answer.stdout.splitlines()
    assert lines[1].split()[:1] == ["job-late"] and "40 min" in lines[1]
    assert "Scene 12 · picture" in lines[1] and "07:40" in lines[1]
    assert lines[2].split()[:1] == ["job-held"] and " 2 h" not in lines[2]
    said = "  one more 24 GiB card (rtx-4090) would hold it; it would then end at about Thu 26 Nov "
    assert said + "2026 06:52 UTC" in lines
    assert "will hold" not in answer.stdout
    assert "note: 3 tasks wait" in answer.stderr


def test_one_job_is_told_whole(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", risks({**HELD, "is_estimate": True}))
    answer = run("risk", "job-held")
    assert farm.asked[0].url.params["job"] == "job-held"
    assert "held: will hold 07:00 UTC, with 2 h to spare (estimated by volume)" in answer.stdout


def test_the_command_of_a_remedy(farm: FarmOnPaper) -> None:
    remedy = {"kind": "jump", "sentence": "moved to the front", "command": "reelyard jump job-late"}
    farm.on("GET /risk", risks({**LATE, "remedy": remedy}))
    assert "  reelyard jump job-late\n" in run("risk").stdout


def test_what_has_no_end_is_told(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", risks({**HELD, "ending": None, "late_seconds": None, "last": None}))
    assert "  held: will hold" in run("risk").stdout


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        ("held", 0),
        ("tight", 0),
        ("unknown", 0),
        ("late", 1),
        ("overdue", 1),
        ("stopped", 1),
        ("impossible", 1),
    ],
)
def test_only_who_asks_is_told_by_the_exit_code(farm: FarmOnPaper, verdict: str, code: int) -> None:
    farm.on("GET /risk", risks({**LATE, "verdict": verdict}))
    assert run("risk").exit_code == 0
    assert run("risk", "--check").exit_code == code
    assert run("risk", "--check", "--json").exit_code == code


def test_json_is_what_the_farm_said(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", risks(LATE))
    said = json.loads(run("risk", "--json").stdout)
    assert said["data"][0]["late_seconds"] == 2400.0
    assert said["data"][0]["remedy"]["device"] == "rtx-4090"


def test_nothing_is_due(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", risks())
    answer = run("risk", "--check")
    assert answer.exit_code == 0 and not answer.stdout
    assert "no job that is not over has a deadline" in answer.stderr
    farm.on("GET /risk", risks(notes=("job-a is over or has no deadline",)))
    assert "job-a is over or has no deadline" in run("risk", "job-a").stderr


def test_a_job_that_is_not_there(farm: FarmOnPaper) -> None:
    farm.on("GET /risk", problem(404, "There is no job 'x'."))
    assert run("risk", "x", "--check").exit_code == ExitCode.NOT_FOUND
