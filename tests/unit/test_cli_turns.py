"""The commands that say when, how urgent and where: at a submission, and after; and the queue."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reelyard.cli.exits import ExitCode
from reelyard.cli.when import read_moment, zone_name
from reelyard.clock import ManualClock
from reelyard.errors import InvalidInput
from tests.support.command_line import SCRIPT, data, farm_for_commands, run
from tests.support.farm_on_paper import AT, FarmOnPaper, good, job, problem, submitted


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    monkeypatch.setenv("TZ", "UTC")
    return farm_for_commands(tmp_path, monkeypatch)


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "film.yaml").write_text(SCRIPT)
    return str(tmp_path / "film.yaml")


def body(farm: FarmOnPaper, what: str) -> Any:
    return json.loads(next(iter(farm.of(what))).content)


class TestSubmit:
    def test_everything_that_may_be_asked(self, farm: FarmOnPaper, script: str) -> None:
        taken = job(band="batch", deadline="2027-03-01T07:00:00Z", held_because="look first")
        farm.on("POST /jobs", good(submitted(job=taken, queue_position=0)))
        asked = ("--band", "batch", "--by", "2027-03-01 07:00", "--after", "2027-02-28T22:00:00Z")
        where = ("--pool", "night", "--pool", "lab", "--tag", "big")
        answer = run("submit", script, *asked, *where, "--hold", "--because", "look first")
        assert answer.exit_code == ExitCode.OK
        params = farm.asked[0].url.params
        assert params.get_list("pool") == ["night", "lab"] and params["tag"] == "big"
        assert (params["band"], params["hold"]) == ("batch", "look first")
        assert params["deadline"] == "2027-03-01T07:00:00Z"
        assert params["start_after"] == "2027-02-28T22:00:00Z"
        assert "1 scene, waits" in answer.stderr
        assert "band batch; due by Mon 01 Mar 2027 07:00" in answer.stderr
        assert "held look first" in answer.stderr

    def test_what_is_usual_is_not_even_said(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted()))
        answer = run("submit", script)
        assert dict(farm.asked[0].url.params) == {"priority": "50"}
        assert answer.stderr.count("\n") == 1

    def test_held_without_a_reason(self, farm: FarmOnPaper, script: str) -> None:
        farm.on("POST /jobs", good(submitted()))
        run("submit", script, "--hold")
        assert farm.asked[0].url.params["hold"] == ""

    def test_every_moment_that_is_none_is_named(self, farm: FarmOnPaper, script: str) -> None:
        answer = run("submit", script, "--by", "soonish", "--after", "25:00")
        assert answer.exit_code == ExitCode.USAGE and not farm.asked
        assert "--by: is not a moment (got soonish" in answer.stderr
        assert "--after: is not a moment (got 25:00" in answer.stderr

    def test_a_reason_without_a_hold(self, farm: FarmOnPaper, script: str) -> None:
        answer = run("submit", script, "--because", "x")
        assert answer.exit_code == ExitCode.USAGE
        assert "--because: goes with --hold only" in answer.stderr

    def test_a_dry_run_and_a_quote_ask_the_same(self, farm: FarmOnPaper, script: str) -> None:
        bad = {"ok": False, "problems": [{"field": "deadline", "message": "is over"}]}
        farm.on("POST /jobs/validate", good(bad))
        for words in (("submit", script, "--dry-run"), ("quote", script)):
            answer = run(*words, "--by", "2020-01-01 07:00")
            assert answer.exit_code == ExitCode.USAGE and "deadline: is over" in answer.stderr
        deadlines = {request.url.params["deadline"] for request in farm.asked}
        assert deadlines == {"2020-01-01T07:00:00Z"}

    def test_machines_on_paper_have_no_clock(self, farm: FarmOnPaper, script: str) -> None:
        answer = run("quote", script, "--fleet", "none.toml", "--by", "+8h")
        assert answer.exit_code == ExitCode.USAGE
        assert "--by: goes without --fleet only (got +8h)" in answer.stderr


class TestSteering:
    @pytest.mark.parametrize(
        ("words", "address", "said"),
        [
            (("hold",), "hold", "1 job held"),
            (("release",), "release", "1 job released"),
            (("pause",), "pause", "1 job paused"),
            (("resume",), "resume", "1 job resumed"),
            (("jump",), "jump", "1 job put in front of their band"),
            (("jump", "--behind"), "behind", "1 job put behind their band"),
        ],
    )
    def test_each_asks_the_farm(
        self, words: tuple[str, ...], address: str, said: str, farm: FarmOnPaper
    ) -> None:
        what = f"POST /jobs/job-abc/{address}"
        farm.on(what, good(job()))
        answer = run(*words, "job-abc", "--because", "the client looks first")
        assert (answer.exit_code, answer.stdout) == (ExitCode.OK, "job-abc\n")
        assert answer.stderr == said + "\n"
        assert body(farm, what) == {"because": "the client looks first"}

    def test_what_cannot_be_keeps_nobody_else_from_it(self, farm: FarmOnPaper) -> None:
        farm.on("POST /jobs/job-1/hold", good(job("job-1", held_because="by anna")))
        farm.on("POST /jobs/job-2/hold", problem(409, "job-2 has ended already.", remedy="Look."))
        answer = run("hold", "job-2", "job-1")
        assert (answer.exit_code, answer.stdout) == (ExitCode.PARTLY, "job-1\n")
        assert "job-2 has ended already." in answer.stderr
        assert "1 job held, 1 could not be" in answer.stderr
        told = data(run("hold", "job-2", "job-1", "--json"))
        assert [one["held_because"] for one in told["jobs"]] == ["by anna"]
        assert [(one["job"], one["code"]) for one in told["failed"]] == [("job-2", 8)]

    def test_of_several_the_first_named_is_foremost(self, farm: FarmOnPaper) -> None:
        for name in ("job-1", "job-2"):
            for word in ("jump", "behind"):
                farm.on(f"POST /jobs/{name}/{word}", good(job(name)))
        run("jump", "job-1", "job-2")
        run("jump", "--behind", "job-1", "job-2")
        asked = [request.url.path.split("/")[-2] for request in farm.asked]
        assert asked == ["job-2", "job-1", "job-1", "job-2"]

    def test_a_connection_that_breaks_is_not_tried_again(self, farm: FarmOnPaper) -> None:
        import httpx2

        farm.on("POST /jobs/job-abc/release", httpx2.ReadError("cut"), good(job()))
        assert run("release", "job-abc").exit_code == ExitCode.UNREACHABLE
        assert len(farm.asked) == 1


class TestSet:
    def test_what_is_said_is_changed(self, farm: FarmOnPaper) -> None:
        farm.on("PATCH /jobs/job-abc", good(job(priority=80, band="batch", tags=["big"])))
        times = ("--by", "2027-03-01 07:00", "--after", "now")
        what = ("--priority", "80", "--band", "batch", "--pool", "any", "--tag", "big")
        answer = run("set", "job-abc", *what, *times)
        assert answer.exit_code == ExitCode.OK
        assert body(farm, "PATCH /jobs/job-abc") == {
            "priority": 80,
            "band": "batch",
            "deadline": "2027-03-01T07:00:00Z",
            "start_after": None,
            "pools": [],
            "tags": ["big"],
        }
        assert re.search(r"priority +80\n", answer.stdout)
        assert re.search(r"due by +never\n", answer.stdout)

    def test_a_deadline_is_taken_away(self, farm: FarmOnPaper) -> None:
        farm.on("PATCH /jobs/job-abc", good(job()))
        assert data(run("set", "job-abc", "--by", "never", "--json"))["deadline"] is None
        assert body(farm, "PATCH /jobs/job-abc") == {"deadline": None}

    def test_nothing_to_change_shows_it(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job(held_because="look first", pools=["a", "b"])))
        answer = run("set", "job-abc")
        assert re.search(r"held +look first\n", answer.stdout)
        assert re.search(r"pools +a, b\n", answer.stdout)
        assert "task_list" not in data(run("set", "job-abc", "--json"))

    def test_what_the_farm_refuses(self, farm: FarmOnPaper) -> None:
        items = [{"field": "pools[0]", "message": "is no pool", "remedy": "Did you mean night?"}]
        farm.on("PATCH /jobs/job-abc", problem(422, "1 problem", errors=items))
        answer = run("set", "job-abc", "--pool", "nihgt")
        assert answer.exit_code == ExitCode.USAGE and "Did you mean night?" in answer.stderr


class TestQueue:
    WAITS: dict[str, Any] = {  # noqa: RUF012
        "id": "job-1",
        "title": "One",
        "state": "queued",
        "owner": "anna",
        "priority": 50,
        "waiting": 4,
        "running": 2,
        "done": 1,
        "created_at": AT,
    }

    def test_in_order_with_what_each_waits_for(self, farm: FarmOnPaper) -> None:
        farm.on(
            "GET /queue",
            good(
                {
                    "data": [
                        {**self.WAITS, "position": 1, "rank": -1.0, "because": "atlas is busy"},
                        {**self.WAITS, "id": "job-2", "start_after": "2027-03-01T07:00:00Z"},
                        {**self.WAITS, "id": "job-3", "held_because": "look first"},
                        {**self.WAITS, "id": "job-4", "state": "paused"},
                    ],
                    "has_more": True,
                }
            ),
        )
        answer = run("queue", "--limit", "4")
        assert answer.exit_code == ExitCode.OK and farm.asked[0].url.params["limit"] == "4"
        _, one, two, three, four = answer.stdout.splitlines()
        assert re.search(r"^1 +job-1 +anna +normal, in front +50 +4 +2 +1 +- +atlas is busy", one)
        assert re.search(r"^- +job-2 .*starts Mon 01 Mar 2027 07:00", two)
        assert "held: look first" in three and re.search(r"paused +One$", four)
        assert "more than 4" in answer.stderr
        assert data(run("queue", "--json"))["data"][0]["position"] == 1

    def test_nothing_waits(self, farm: FarmOnPaper) -> None:
        farm.on("GET /queue", good({"data": []}))
        assert run("queue").stderr == "nothing waits\n"


class TestLooking:
    def test_what_keeps_a_job_is_seen_in_lists(self, farm: FarmOnPaper) -> None:
        later = {"start_after": "2027-03-01T07:00:00Z"}
        found = [job(held_because="x"), job(**later), job(state="done", held_because="x")]
        farm.on("GET /jobs", good({"data": found}))
        lines = run("jobs").stdout.splitlines()[1:]
        assert "queued, held" in lines[0] and "queued, starts Mon 01 Mar 2027" in lines[1]
        assert re.search(r"job-abc +done ", lines[2])

    def test_a_job_says_what_was_asked_of_it(self, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc", good(job(band="interactive", tags=["big"])))
        assert "band interactive; tags big\n" in run("show", "job-abc").stdout


class TestWhen:
    NOON = 1_796_299_200.0  # 2026-12-03 12:00 UTC

    def test_in_the_zone_of_the_machine(self) -> None:
        clock = ManualClock(self.NOON)
        at = read_moment("18:00", "--by", clock, {"TZ": "Europe/Berlin"})
        assert at == self.NOON + 5 * 3600
        assert read_moment("+8h", "--by", clock, {}) == self.NOON + 8 * 3600
        with pytest.raises(InvalidInput, match="--by: is not a moment"):
            read_moment("noonish", "--by", clock, {})

    def test_the_zone_has_a_name_or_is_utc(self, tmp_path: Path) -> None:
        link, nowhere = tmp_path / "localtime", tmp_path / "none"
        link.symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
        assert zone_name({}, link) == "Asia/Tokyo"
        assert zone_name({"TZ": ":America/New_York"}, link) == "America/New_York"
        assert zone_name({"TZ": "EST5EDT4,M3"}, link) == zone_name({}, nowhere) == ""
