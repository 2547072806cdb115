"""`reelyard models` and `reelyard quote`: the matrix, lessons, a model of one's own, quotes."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from reelyard.catalog import load_catalog
from reelyard.cli import models_add
from reelyard.cli.catalog_file import add_entries
from reelyard.cli.exits import ExitCode
from reelyard.cli.quote import amount
from reelyard.errors import InvalidInput, NotInstalled
from reelyard.predict.answer import Status
from reelyard.predict.views import FitCell, FitDevice, FitMatrix, FitRow, LessonList, LessonView
from tests.support.command_line import ROOT, data, farm_for_commands, run
from tests.support.farm_on_paper import FarmOnPaper, good, problem

FLEET = str(ROOT / "examples" / "fleet.toml")
PRICES = str(ROOT / "examples" / "prices.toml")
SCRIPT = "model: wan2.1-t2v-14b\nscenes:\n  - {picture: a red circle, seconds: 3}\n"
GONE = httpx2.ConnectError("nobody")


@pytest.fixture
def farm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FarmOnPaper:
    for name in ("REELYARD_CATALOG_FILE", "REELYARD_PRICES_FILE"):
        monkeypatch.delenv(name, raising=False)
    return farm_for_commands(tmp_path, monkeypatch)


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "film.yaml").write_text(SCRIPT)
    return str(tmp_path / "film.yaml")


def cell(status: Status = Status.OK, **more: Any) -> FitCell:
    return FitCell(device="rtx-4090", status=status, **more)


def matrix(*cells: FitCell) -> FitMatrix:
    return FitMatrix(
        devices=[FitDevice(id="rtx-4090", name="RTX 4090", memory_gib=23.5, count=2)],
        data=[
            FitRow(model=f"m{n}", name="M", shape="1x1", weights_gib=1, cells=[one])
            for n, one in enumerate(cells)
        ],
    )


LESSON = LessonView(
    model="wan",
    plan="bf16",
    device="h100-sxm",
    runs=3,
    timed=2,
    memory=0.9,
    most_memory=1.1,
    seconds=1.25,
    spread=1.05,
    load=1,
    loads=0,
    failures=1,
)


class TestFit:
    def test_the_farm_s_own_devices(self, farm: FarmOnPaper) -> None:
        found = matrix(
            cell(plan="bf16, model offload, tiled decode", seconds=250.0, is_measured=True),
            cell(Status.INFEASIBLE),
            cell(Status.UNKNOWN),
            cell(plan="bf16"),
        )
        farm.on("GET /models/fit", good(found))
        told = run("models", "--fit")
        assert told.exit_code == ExitCode.OK
        lines = [line.split() for line in told.stdout.splitlines() if line.strip()]
        assert lines[0] == ["model", "rtx-4090", "x2"]
        assert lines[1] == ["m0", "bf16+model+tiled", "4", "min*"]
        assert [line[1:] for line in lines[2:]] == [["-"], ["?"], ["bf16"]]
        assert farm.asked[0].url.params["all"] == "false"
        assert data(run("models", "--fit", "--json")) == found.model_dump(mode="json")

    def test_every_device_of_the_catalog(self, farm: FarmOnPaper) -> None:
        farm.on("GET /models/fit", good(matrix()))
        run("models", "--fit", "--all")
        assert farm.asked[0].url.params["all"] == "true"

    def test_without_a_farm_the_catalog_answers(self, farm: FarmOnPaper) -> None:
        farm.on("GET /models/fit", GONE)
        answer = run("models", "--fit", "--json")
        assert answer.exit_code == ExitCode.OK and "does not answer" in answer.stderr
        found, catalog = data(answer), load_catalog()
        assert {row["model"] for row in found["data"]} == set(catalog.models)
        assert {column["id"] for column in found["devices"]} == set(catalog.devices)

    def test_a_farm_that_refuses_is_no_missing_farm(self, farm: FarmOnPaper) -> None:
        farm.on("GET /models/fit", problem(401, "no token"))
        assert run("models", "--fit").exit_code == ExitCode.UNAUTHORIZED

    def test_an_empty_farm_says_so(self, farm: FarmOnPaper) -> None:
        farm.on("GET /models/fit", good(FitMatrix(devices=[], data=[])))
        assert "no worker has joined" in run("models", "--fit").stderr


class TestLearned:
    def test_they_are_shown(self, farm: FarmOnPaper) -> None:
        farm.on("GET /models/learned", good(LessonList(data=[LESSON])))
        told = run("models", "learned").stdout
        assert re.search(r"wan +h100-sxm +bf16 +3 +x0.90, at most x1.10 +x1.25 of 2", told)
        assert data(run("models", "learned", "--json"))["data"][0]["seconds"] == 1.25
        farm.on("GET /models/learned", good(LessonList(data=[])))
        assert "nothing" not in run("models", "learned").stdout

    def test_out_of_one_farm_and_into_another(self, farm: FarmOnPaper, tmp_path: Path) -> None:
        file = str(tmp_path / "lessons.json")
        farm.on("GET /models/learned", good(LessonList(data=[LESSON])))
        assert "1 lesson written" in run("models", "learned", "--export", file).stderr
        farm.on("PUT /models/learned", good(LessonList(data=[LESSON])))
        answer = run("models", "learned", "--import", file)
        assert answer.exit_code == ExitCode.OK and "1 lesson read" in answer.stderr
        [sent] = farm.of("PUT /models/learned")
        assert LessonList.model_validate_json(sent.content).data == [LESSON]

    def test_what_is_no_file_of_lessons_is_not_sent(
        self, farm: FarmOnPaper, tmp_path: Path
    ) -> None:
        (tmp_path / "wrong.json").write_text('{"data": [{"model": "wan"}]}')
        for name in ("wrong.json", "none.json"):
            assert run("models", "learned", "--import", name).exit_code == ExitCode.USAGE
        both = run("models", "learned", "--import", "wrong.json", "--export", "x")
        assert both.exit_code == ExitCode.USAGE and farm.asked == []


ENTRY = """\
# licence: unknown is assumed

[models.mine]
name = "Mine"
repo = "me/mine"
pipeline = "LTXPipeline"
licence = "MIT"
width = 704
height = 480
fps = 24
frame_step = 8
min_frames = 9
max_frames = 161
size_multiple = 32
steps = STEPS
guidance = 3.0
max_text_tokens = 128
pixels_per_token = 32
time_factor = 8
parts = [
    { role = "denoiser", component = "mine-denoiser" },
    { role = "vae", component = "ltx-vae-0.9" },
]

[components.mine-denoiser]
library = "diffusers"
class = "LTXVideoTransformer3DModel"
parameters = 1_000_000_000

[components.mine-denoiser.config]
layers = 3
"""


def entry(steps: int = 50) -> str:
    vae = next(iter(load_catalog().models["ltx-video"].parts[-1:])).component
    return ENTRY.replace("STEPS", str(steps)).replace("ltx-vae-0.9", vae)


class TestCatalogFile:
    def test_an_entry_is_added_once_and_then_replaced(self, tmp_path: Path) -> None:
        file = tmp_path / "catalog.toml"
        catalog, replaced = add_entries(entry(), file)
        assert catalog.models["mine"].steps == 50 and replaced == []
        again, replaced = add_entries(entry(40), file)
        assert again.models["mine"].steps == 40
        assert replaced == ["mine", "mine-denoiser"]
        text = file.read_text()
        assert text.count("[models.mine]") == 1 and text.count("mine-denoiser.config]") == 1
        assert "unknown is assumed" not in text

    def test_what_else_is_there_stays_as_it_was(self, tmp_path: Path) -> None:
        file = tmp_path / "catalog.toml"
        own = '# our house style\n[styles.ours]\nadds = "in our colours" # always\n'
        table = entry().partition("\n\n")[2]
        file.write_text(f"# of our farm\n\n{own}\n# to be replaced\n{table}\n\n{OTHER}")
        add_entries(entry(30), file)
        text = file.read_text()
        assert text.startswith("# of our farm\n\n" + own) and OTHER.strip() in text
        assert "to be replaced" not in text
        assert set(tomllib.loads(text)["styles"]) == {"ours", "other"}

    @pytest.mark.parametrize(
        ("before", "said"),
        [
            ("models = 3", "cannot be changed safely"),
            ("models = { mine = { name = 'x' } }", "cannot be changed safely"),
            ("models.mine.name = 'x'", "cannot be changed safely"),
            ("[styles.ours]\nadd = 3", "styles.ours.add"),
            ("= 3", "cannot be read as TOML"),
        ],
    )
    def test_what_it_cannot_be_put_into_is_left_alone(
        self, tmp_path: Path, before: str, said: str
    ) -> None:
        file = tmp_path / "catalog.toml"
        file.write_text(before)
        with pytest.raises(InvalidInput, match=said):
            add_entries(entry(), file)
        assert file.read_text() == before and [*tmp_path.iterdir()] == [file]

    def test_an_entry_that_is_none_changes_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "catalog.toml"
        with pytest.raises(InvalidInput, match="steps"):
            add_entries(entry(0), file)
        assert not file.exists()


OTHER = '[styles.other]\nadds = """\n[models.mine]\n"""\n'


class TestAdd:
    def test_what_was_found_is_told(
        self, farm: FarmOnPaper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        asked: list[list[str]] = []
        monkeypatch.setattr(models_add, "measure", measured(asked))
        answer = run("models", "add", "me/mine", "--id", "mine", "--fact", "fps=24")
        assert answer.exit_code == ExitCode.OK
        assert asked == [["me/mine", "--id", "mine", "--fact", "fps=24", "--tiles"]]
        assert "billion" in answer.stdout and "704x480, 161 frames" in answer.stdout
        assert "note: licence" in answer.stderr and "added to catalog.toml" in answer.stderr
        assert "REELYARD_CATALOG_FILE=catalog.toml" in answer.stderr
        assert load_catalog(tmp_path / "catalog.toml").models["mine"].name == "Mine"

    def test_into_the_farm_s_own_file(
        self, farm: FarmOnPaper, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("REELYARD_CATALOG_FILE", str(tmp_path / "own.toml"))
        (tmp_path / "own.toml").write_text("")
        monkeypatch.setattr(models_add, "measure", measured([]))
        first = data(run("models", "add", "me/mine", "--json"))
        second = data(run("models", "add", "me/mine", "--json"))
        assert first["replaced"] == [] and second["replaced"] == ["mine", "mine-denoiser"]
        assert first["parameters"] > 1e9 and first["fit"]["model"] == "mine"

    def test_a_folder_that_is_not_there_is_said_before_minutes_are_spent(
        self, farm: FarmOnPaper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[list[str]] = []
        monkeypatch.setattr(models_add, "measure", measured(asked))
        answer = run("models", "add", "me/mine", "--into", "nowhere/catalog.toml")
        assert answer.exit_code == ExitCode.USAGE and asked == []

    def test_without_the_worker_s_packages(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(models_add, "_NEEDED", ("json", "no_such_package"))
        with pytest.raises(NotInstalled, match="no_such_package is missing"):
            models_add.measure(["me/mine"])

    @pytest.mark.parametrize(
        ("program", "kind", "said"),
        [
            (
                "print('reelyard-worker: model: is none.', file=sys.stderr); sys.exit(2)",
                2,
                "is none",
            ),
            ("print('noise\\nBroken', file=sys.stderr); sys.exit(1)", 1, "exit code 1: Broken"),
            ("sys.exit(3)", 1, "it said nothing"),
            ("print('[models]')", 1, "is not one model's entry"),
            ("print('= what')", 1, "is not one model's entry"),
        ],
    )
    def test_what_the_measuring_says_reaches_the_person(
        self,
        farm: FarmOnPaper,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        program: str,
        kind: int,
        said: str,
    ) -> None:
        (tmp_path / "stand-in").write_text(f'#!/bin/sh\nexec {PYTHON} -c "import sys; {program}"\n')
        (tmp_path / "stand-in").chmod(0o755)
        monkeypatch.setattr(models_add.sys, "executable", str(tmp_path / "stand-in"))
        answer = run("models", "add", "me/mine")
        assert answer.exit_code == kind and said in answer.stderr
        assert not (tmp_path / "catalog.toml").exists()


PYTHON = models_add.sys.executable


def measured(asked: list[list[str]]) -> Any:
    def measure(words: list[str]) -> models_add.Measured:
        asked.append(words)
        return models_add.Measured(entry(), "mine", ("licence: unknown is assumed",))

    return measure


class TestQuote:
    def test_on_a_fleet_it_needs_no_farm(self, farm: FarmOnPaper, script: str) -> None:
        answer = run("quote", script, "--fleet", FLEET, "--prices", PRICES)
        assert answer.exit_code == ExitCode.OK and farm.asked == []
        assert answer.stdout.startswith(f"{script}: can be made: every picture fits")
        for word in ("done ", "memory ", "energy ", "EUR of own power", "EUR rented", "assumed:"):
            assert word in answer.stdout
        assert re.search(r"jetson-agx-orin-64gb +1 +no +its nodes do not have", answer.stdout)
        found = data(run("quote", script, "--fleet", FLEET, "--json"))
        assert found["file"] == script and found["scenes"][0]["frames"] == 49
        assert found["is_possible"] is True and found["money"] is None

    def test_prices_of_the_environment(
        self, farm: FarmOnPaper, script: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REELYARD_PRICES_FILE", PRICES)
        assert data(run("quote", script, "--fleet", FLEET, "--json"))["currency"] == "EUR"

    def test_what_nobody_can_make(self, farm: FarmOnPaper, script: str, tmp_path: Path) -> None:
        (tmp_path / "small.toml").write_text(
            '[[nodes]]\nname = "a"\ndevices = ["cpu"]\nram_gib = 8'
        )
        answer = run("quote", script, "--fleet", "small.toml")
        assert answer.exit_code == ExitCode.NOBODY_CAN
        assert "cannot be made" in answer.stdout and "it would fit" in answer.stdout

    def test_the_farm_answers_without_a_fleet(self, farm: FarmOnPaper, script: str) -> None:
        found = data(run("quote", script, "--fleet", FLEET, "--json"))
        farm.on("POST /jobs/validate", good({"ok": True, "estimate": estimate(found)}))
        told = data(run("quote", script, "--json"))
        assert told == found and farm.asked[0].content == SCRIPT.encode()
        answer = run("submit", script, "--dry-run")
        assert answer.exit_code == ExitCode.OK
        assert "nothing was stored" in answer.stdout and "can be made" in answer.stdout
        farm.on("POST /jobs/validate", good({"ok": True, "estimate": estimate(None)}))
        assert "gives no quotes" in run("quote", script).stderr

    def test_a_refusal_of_the_farm(self, farm: FarmOnPaper, script: str) -> None:
        refused = {"is_possible": False, "because": "nobody can ever run this"}
        said = {**estimate(refused), "is_possible": False}
        farm.on("POST /jobs/validate", good({"ok": True, "estimate": said}))
        assert run("quote", script).exit_code == ExitCode.NOBODY_CAN
        assert run("submit", script, "--dry-run").exit_code == ExitCode.NOBODY_CAN

    @pytest.mark.parametrize("words", [["--fleet", FLEET], []], ids=["fleet", "farm"])
    def test_problems_of_the_script(self, farm: FarmOnPaper, script: str, words: list[str]) -> None:
        Path(script).write_text("scenes:\n  - picture: x\n    seconds: 0.01\n")
        item = {"field": "scenes[0].seconds", "message": "is out of range", "line": 3}
        farm.on("POST /jobs/validate", good({"ok": False, "problems": [item]}))
        answer = run("quote", script, *words)
        assert answer.exit_code == ExitCode.USAGE
        assert f"{script}:3: scenes[0].seconds: is out of range" in answer.stderr
        told = run("quote", script, *words, "--json")
        assert json.loads(told.stderr)["error"]["problems"][0]["line"] == 3

    def test_prices_and_lessons_are_of_the_farm_that_is_asked(
        self, farm: FarmOnPaper, script: str
    ) -> None:
        answer = run("quote", script, "--prices", PRICES, "--learned", "x.json")
        assert answer.exit_code == ExitCode.USAGE and farm.asked == []
        assert answer.stderr.count("goes with --fleet only") == 2

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (0.0, "0.00"),
            (2e-5, "under 0.001"),
            (0.0042, "0.0042"),
            (1.084, "1.08"),
            (0.1, "0.10"),
        ],
    )
    def test_amounts(self, value: float, said: str) -> None:
        assert amount(value) == said


def estimate(quote: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "is_possible": True,
        "because": "every task fits",
        "scenes": 1,
        "tasks": 2,
        "fixed_seconds": 3.0,
        "free_scenes": 0,
        "quote": quote,
    }
