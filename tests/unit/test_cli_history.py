"""`reelyard history`: every page into one file, times counted from the first arrival."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelyard.cli.history import since_moment
from reelyard.clock import ManualClock
from reelyard.errors import InvalidInput
from tests.support.command_line import data, farm_for_commands, run
from tests.support.farm_on_paper import FarmOnPaper, good

NOW = 1_800_000_000.0


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    return farm_for_commands(tmp_path, monkeypatch)


def recorded(task: str, at: float, **more: Any) -> dict[str, Any]:
    usual = {"job": "j", "owner": "anna", "kind": "video", "model": "m", "memory_gib": 1.5}
    took = {"seconds": {"rtx-4090": 4.0}, "load_seconds": {"rtx-4090": 2.0}}
    return {"id": task, "at": at, "ended_at": at + 9, **usual, **took, **more}


def page(*tasks: dict[str, Any], more: str | None = None, left_out: int = 0) -> Any:
    content = {"data": list(tasks), "left_out": left_out}
    return good({**content, "has_more": more is not None, "next_cursor": more})


def test_every_page_into_one_file(farm: FarmOnPaper, tmp_path: Path) -> None:
    late = recorded("b", 130.0, priority=80, deadline=230.0, gang=2)
    farm.on("GET /history/workload", page(late, more="139.0 b"), page(recorded("a", 100.0)))
    answer = run("history", "--as-workload", "out.jsonl", "--json")
    assert data(answer) == {
        "file": "out.jsonl",
        "tasks": 2,
        "left_out": 0,
        "starts": 100.0,
        "types": ["rtx-4090"],
    }
    first, second = (json.loads(x) for x in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["id"], first["at"]) == ("a", 0.0)
    assert "priority" not in first
    assert (second["at"], second["deadline"], second["priority"], second["gang"]) == (
        30,
        130,
        80,
        2,
    )
    asked = [str(request.url.params.get("after")) for request in farm.of("GET /history/workload")]
    assert asked == ["None", "139.0 b"]


def test_for_people(farm: FarmOnPaper) -> None:
    farm.on("GET /history/workload", page(recorded("a", 100.0), left_out=3))
    answer = run("history", "--as-workload", "out.jsonl")
    assert answer.stdout == "1 task written to out.jsonl; types of devices: rtx-4090\n"
    assert "left out: 3" in answer.stderr


def test_nothing(farm: FarmOnPaper, tmp_path: Path) -> None:
    farm.on("GET /history/workload", page())
    answer = run("history", "--as-workload", "out.jsonl")
    assert answer.exit_code == 3
    assert not (tmp_path / "out.jsonl").exists()


def test_since_is_sent(farm: FarmOnPaper) -> None:
    farm.on("GET /history/workload", page(recorded("a", 100.0)))
    run("history", "--as-workload", "out.jsonl", "--since", "2026-01-05T00:00:00Z")
    [request] = farm.of("GET /history/workload")
    assert float(request.url.params["since"]) == 1_767_571_200.0


@pytest.mark.parametrize(
    ("text", "ago"), [("7d", 7 * 86_400), ("12h", 43_200), ("1d12h", 129_600), ("90m", 5_400)]
)
def test_so_long_ago(text: str, ago: float) -> None:
    assert since_moment(text, ManualClock(NOW)) == NOW - ago


def test_a_date_is_of_the_machines_time_zone() -> None:
    assert since_moment("2026-01-05 01:00", ManualClock(NOW), {"TZ": "Europe/Berlin"}) == (
        1_767_571_200.0
    )


@pytest.mark.parametrize(
    ("text", "says"), [("soon", "is not a moment"), ("+8h", "is not over yet")]
)
def test_what_cannot_be(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"--since: {says}"):
        since_moment(text, ManualClock(NOW), {"TZ": "UTC"})
