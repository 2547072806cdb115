"""The client against a farm on paper: what it sends, what it makes of answers and breaks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest

from reelyard.client import Client
from reelyard.clock import ManualClock
from reelyard.errors import (
    ArtifactDamaged,
    Conflict,
    InvalidInput,
    NotFound,
    ReelyardError,
    Unauthorized,
    Unreachable,
)
from reelyard.event_stream import messages
from reelyard.predict.request import Request
from reelyard.resources import EventView
from tests.support.farm_on_paper import (
    FarmOnPaper,
    event,
    good,
    job,
    problem,
    stream,
    submitted,
)

URL = "http://farm.test"
FILM = b"a film of some length" * 1000
VTT, POSTER = b"WEBVTT\n", b"\xff\xd8 a poster"


@pytest.fixture
def farm() -> FarmOnPaper:
    return FarmOnPaper()


@pytest.fixture
def client(farm: FarmOnPaper) -> Client:
    return Client(URL, "reelyard_x_y", ManualClock(), farm)


def test_the_token_goes_with_every_request(client: Client, farm: FarmOnPaper) -> None:
    farm.on("GET /jobs", good({"data": []}))
    client.jobs(["done", "failed"], "light", "job-x", 5)
    assert dict(farm.asked[0].url.params) == {
        "state": "done,failed",
        "q": "light",
        "after": "job-x",
        "limit": "5",
    }
    assert farm.asked[0].headers["Authorization"] == "Bearer reelyard_x_y"


class TestSubmitting:
    def test_the_type_follows_from_the_name(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        farm.on("POST /jobs", good(submitted()))
        for name in ("a.yaml", "a.json", "a.txt"):
            (tmp_path / name).write_text("scenes: []")
            assert client.submit_file(tmp_path / name, priority=70).job.id == "job-abc"
        types = [request.headers["Content-Type"] for request in farm.asked]
        assert types == ["application/yaml", "application/json", "text/plain"]
        assert {request.url.params["priority"] for request in farm.asked} == {"70"}

    def test_a_broken_connection_never_makes_two_jobs(
        self, client: Client, farm: FarmOnPaper
    ) -> None:
        farm.on("POST /jobs", httpx2.ReadError("cut"), good(submitted()))
        client.submit("scenes: []", "application/yaml")
        first, second = (request.headers["Idempotency-Key"] for request in farm.asked)
        assert first == second

    def test_every_submission_has_a_key_of_its_own(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("POST /jobs", good(submitted()))
        for key in ("", "", "mine"):
            client.submit("scenes: []", "application/yaml", key=key)
        keys = [request.headers["Idempotency-Key"] for request in farm.asked]
        assert len(set(keys)) == 3
        assert keys[2] == "mine"

    @pytest.mark.parametrize("key", ["a\nb", "ü", "x" * 201])
    def test_a_key_that_no_header_carries(self, key: str, client: Client) -> None:
        with pytest.raises(InvalidInput, match="key"):
            client.submit("x", "text/plain", key=key)


class TestPredicting:
    LESSON: ClassVar[dict[str, Any]] = {
        "model": "m",
        "plan": "bf16",
        "device": "cpu",
        "runs": 1,
        "timed": 1,
        "memory": 1.1,
        "most_memory": 1.1,
        "seconds": 2.0,
        "spread": 1.0,
        "load": 1.0,
        "loads": 0,
        "failures": 0,
    }

    def test_which_devices_the_matrix_is_about(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /models/fit", good({"devices": [], "data": []}))
        assert client.model_fit().data == [] and client.model_fit(all=True).devices == []
        assert [request.url.params["all"] for request in farm.asked] == ["false", "true"]

    def test_lessons_go_out_as_they_come_in(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /models/learned", good({"data": [self.LESSON]}))
        farm.on("PUT /models/learned", good({"data": [self.LESSON]}))
        found = client.lessons().data
        assert client.import_lessons(found).data == found
        assert json.loads(farm.asked[-1].content) == {"data": [self.LESSON]}

    def test_questions_carry_only_what_was_asked(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("POST /predictions", good({"data": []}))
        client.predictions([Request(model="m", device="cpu", frames=9, resident=True)])
        (sent,) = json.loads(farm.asked[0].content)["requests"]
        assert Request(**sent) == Request(model="m", device="cpu", frames=9, resident=True)
        assert "steps" not in sent and sent["frames"] == 9


class TestErrors:
    def test_every_problem_arrives_with_all_its_parts(
        self, client: Client, farm: FarmOnPaper
    ) -> None:
        items = [
            {"field": "fps", "message": "is too small", "value": "0", "limit": "at least 1",
             "remedy": "Larger.", "line": 3, "pointer": "/fps"},
            {"field": "size", "message": "is odd"},
        ]  # fmt: skip
        farm.on("POST /jobs", problem(422, "2 problems", errors=items))
        with pytest.raises(InvalidInput) as caught:
            client.submit("x", "application/yaml")
        first, second = caught.value.problems
        assert first.sentence() == "line 3: fps: is too small (got 0; limit at least 1). Larger."
        assert second.field == "size"

    @pytest.mark.parametrize(
        ("status", "kind"),
        [(401, Unauthorized), (403, Unauthorized), (404, NotFound), (409, Conflict),
         (412, Conflict), (413, InvalidInput), (415, InvalidInput), (422, InvalidInput),
         (429, Unreachable), (503, Unreachable), (500, ReelyardError)],
    )  # fmt: skip
    def test_by_status(
        self, status: int, kind: type[ReelyardError], client: Client, farm: FarmOnPaper
    ) -> None:
        farm.on("GET /workers", problem(status, "it says why", remedy="Do that."))
        with pytest.raises(kind) as caught:
            client.workers()
        assert type(caught.value) is kind
        assert "it says why" in str(caught.value)
        assert "Do that." in str(caught.value)

    def test_no_problem_document_is_no_problem(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /workers", httpx2.Response(502, text="<html>Bad Gateway"))
        with pytest.raises(Unreachable, match="502"):
            client.workers()

    def test_somebody_else_answers(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /workers", httpx2.Response(200, text="<html>It works!"))
        with pytest.raises(Unreachable, match="no Reelyard farm"):
            client.workers()

    def test_nobody_answers(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /workers", httpx2.ConnectError("refused"))
        with pytest.raises(Unreachable, match=r"farm\.test does not answer"):
            client.workers()
        assert len(farm.asked) == 1, "nobody is there: asking again at once is no use"

    def test_it_breaks_off_every_time(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /workers", httpx2.ReadTimeout("slow"))
        with pytest.raises(Unreachable):
            client.workers()
        assert len(farm.asked) == 3

    @pytest.mark.parametrize(
        "url", ["", "farm", "ftp://farm", "http://", "http://x:99999", "http://\x00"]
    )
    def test_what_is_no_address(self, url: str) -> None:
        with pytest.raises(InvalidInput, match="REELYARD_URL"):
            Client(url)

    @pytest.mark.parametrize("token", ["a b", "a\nb", "schlüssel"])
    def test_what_is_no_token(self, token: str) -> None:
        with pytest.raises(Unauthorized):
            Client(URL, token)

    @pytest.mark.parametrize("job_id", ["../tokens", "a/b", "", "a b", "\x00", ".hidden"])
    def test_what_can_be_no_id_is_not_asked_for(
        self, job_id: str, client: Client, farm: FarmOnPaper
    ) -> None:
        for ask in (client.job, client.task, client.why, client.cancel, client.revoke_token):
            with pytest.raises(NotFound):
                ask(job_id)
        assert not farm.asked


def test_a_token_is_not_made_twice(client: Client, farm: FarmOnPaper) -> None:
    farm.on("POST /tokens", httpx2.ReadError("cut"))
    with pytest.raises(Unreachable):
        client.create_token("anna")
    assert len(farm.asked) == 1


class TestEvents:
    def test_they_go_on_after_the_last_one_when_the_stream_breaks(
        self, client: Client, farm: FarmOnPaper
    ) -> None:
        farm.on(
            "GET /events",
            stream(event(4), event(5)),
            httpx2.ReadError("cut"),
            stream(event(5), event(6)),
        )
        seen = iter(client.events())
        assert [next(seen).seq for _ in range(3)] == [4, 5, 6]
        sent = [request.headers.get("Last-Event-ID") for request in farm.asked]
        assert sent == [None, "5", "5"]

    def test_of_a_job_from_its_beginning(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /jobs/job-abc/events", stream(event(1)))
        assert next(iter(client.events("job-abc", after=0))).seq == 1
        assert farm.asked[0].headers["Last-Event-ID"] == "0"

    def test_a_stream_that_broke_before_anything_happened(
        self, client: Client, farm: FarmOnPaper
    ) -> None:
        quiet = httpx2.Response(200, text=": hello\nid: 41\n\n: still here\n\n")
        farm.on("GET /events", quiet, stream(event(42)))
        assert next(iter(client.events())).seq == 42
        assert farm.asked[1].headers["Last-Event-ID"] == "41"

    def test_a_full_house_is_asked_again(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /events", problem(503, "all streams are in use"), stream(event(1)))
        assert next(iter(client.events())).seq == 1

    def test_it_gives_up_in_the_end(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /events", httpx2.ConnectError("refused"))
        with pytest.raises(Unreachable, match="stopped answering"):
            next(iter(client.events()))

    def test_a_wrong_token_is_said_at_once(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /events", problem(401, "not one of this farm"))
        with pytest.raises(Unauthorized):
            next(iter(client.events()))
        assert len(farm.asked) == 1

    def test_it_ends_at_the_deadline(self, farm: FarmOnPaper) -> None:
        clock = ManualClock()
        farm.on("GET /events", stream(event(1)))
        client = Client(URL, "", clock, farm)
        events = client.events(deadline=clock.monotonic() + 5)
        assert [e.seq for e in events] == [1]

    def test_messages_are_put_together(self) -> None:
        text = 'event: x\ndata: {"seq": 1, "at": "2026-11-25T08:00:00Z",\ndata: "type": "t",'
        text += '"sentence": "s"}\nretry: 5\n\n: nothing\n\ndata: never ended'
        [found, comment] = messages(iter(text.split("\n")))
        assert comment is None
        assert isinstance(found, EventView)
        assert found.seq == 1

    def test_what_is_no_event_is_said(self, client: Client, farm: FarmOnPaper) -> None:
        farm.on("GET /events", httpx2.Response(200, text="data: hello\n\n"))
        with pytest.raises(ReelyardError, match="no event"):
            next(iter(client.events()))


def artifact(name: str, content: bytes) -> dict[str, Any]:
    return {
        "name": name,
        "media_type": "application/octet-stream",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def served(content: bytes) -> Any:
    """The bytes, also from the middle on."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        wanted = request.headers.get("Range")
        if wanted is None:
            return httpx2.Response(200, content=content)
        start = int(wanted.removeprefix("bytes=").removesuffix("-"))
        return httpx2.Response(206, content=content[start:])

    return answer


class TestFetching:
    @pytest.fixture
    def farm(self, farm: FarmOnPaper) -> FarmOnPaper:
        film = {
            "film": artifact("film.mp4", FILM),
            "subtitles": artifact("film.vtt", VTT),
            "poster": artifact("poster.jpg", POSTER),
            "sheet": artifact("sheet.jpg", POSTER),
            "frames": 48,
            "seconds": 4.0,
        }
        farm.on("GET /jobs/job-abc", good(job(state="done", film=film)))
        for content in (FILM, VTT, POSTER):
            farm.on(self.address(content), served(content))
        return farm

    @staticmethod
    def address(content: bytes) -> str:
        return f"GET /artifacts/{hashlib.sha256(content).hexdigest()}"

    @staticmethod
    def part(folder: Path) -> Path:
        return folder / f".x.mp4.{hashlib.sha256(FILM).hexdigest()[:16]}.part"

    def test_the_film_and_what_lies_beside_it(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        told: list[tuple[int, int]] = []
        to = tmp_path / "new/folder/x.mp4"
        assert client.fetch_film("job-abc", to, lambda *seen: told.append(seen)) == to
        assert to.read_bytes() == FILM
        assert to.with_suffix(".vtt").read_bytes() == VTT
        assert to.with_suffix(".jpg").read_bytes() == POSTER
        assert told[-1] == (len(FILM), len(FILM))
        assert {path.name for path in to.parent.iterdir()} == {"x.mp4", "x.vtt", "x.jpg"}

    def test_it_goes_on_where_it_broke_off(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        short = httpx2.Response(200, content=FILM[:5000])
        farm.on(self.address(FILM), short, served(FILM))
        assert client.fetch_film("job-abc", tmp_path / "x.mp4").read_bytes() == FILM
        ranges = [request.headers.get("Range") for request in farm.of(self.address(FILM))]
        assert ranges == [None, "bytes=5000-"]

    def test_another_try_goes_on_from_what_is_here(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        farm.on(self.address(FILM), httpx2.ConnectError("gone"))
        self.part(tmp_path).write_bytes(FILM[:7000])
        with pytest.raises(Unreachable, match="7000 of 21000"):
            client.fetch_film("job-abc", tmp_path / "x.mp4")
        assert not (tmp_path / "x.mp4").exists()
        farm.on(self.address(FILM), served(FILM))
        assert client.fetch_film("job-abc", tmp_path / "x.mp4").read_bytes() == FILM
        *_, last = farm.of(self.address(FILM))
        assert last.headers["Range"] == "bytes=7000-"

    def test_a_farm_without_ranges_sends_all_of_it(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        farm.on(self.address(FILM), httpx2.Response(200, content=FILM))
        self.part(tmp_path).write_bytes(b"something")
        assert client.fetch_film("job-abc", tmp_path / "x.mp4").read_bytes() == FILM

    def test_a_part_that_is_too_long_is_begun_anew(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        farm.on(self.address(FILM), problem(416, "beyond the end"), served(FILM))
        self.part(tmp_path).write_bytes(FILM + b"more")
        assert client.fetch_film("job-abc", tmp_path / "x.mp4").read_bytes() == FILM

    def test_wrong_bytes_are_refused_and_what_was_there_stays(
        self, client: Client, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        (tmp_path / "x.mp4").write_bytes(b"mine")
        farm.on(self.address(FILM), httpx2.Response(200, content=FILM[::-1]))
        with pytest.raises(ArtifactDamaged, match=r"film\.mp4"):
            client.fetch_film("job-abc", tmp_path / "x.mp4")
        assert (tmp_path / "x.mp4").read_bytes() == b"mine"
        assert not self.part(tmp_path).exists()

    def test_without_a_film(self, client: Client, farm: FarmOnPaper, tmp_path: Path) -> None:
        farm.on("GET /jobs/job-abc", good(job(state="running")))
        with pytest.raises(NotFound, match="it is running"):
            client.fetch_film("job-abc", tmp_path / "x.mp4")
        assert not list(tmp_path.iterdir())
