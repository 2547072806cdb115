"""`reelyard-worker measure`: from the files of a pipeline to an entry that the catalog takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from reelyard.catalog import Catalog, GuidanceBy, Role, VideoModel, load_catalog
from reelyard.errors import InvalidInput, Unreachable
from reelyard.plan import Precision
from tests.support.tiny_pipelines import PIPELINES, make
from worker.cli import app
from worker.engines.measure.facts import model_id
from worker.engines.measure.folder import read_pipeline
from worker.engines.measure.fragment import given_facts, measure_pipeline

SMALL = {"width": 64, "height": 64, "max_frames": 25, "licence": "MIT"}
FAMILIES = ("ltx", "cogvideox", "cosmos", "mochi", "hunyuan", "wan")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pipelines")


def folder_of(family: str, folders: Path) -> Path:
    found = folders / family
    return found if found.exists() else make(family, folders)


def measured(family: str, folders: Path, tmp_path: Path, tiles: bool = False) -> Catalog:
    """Measured once a family, unless its tiles are asked for."""
    file = (tmp_path if tiles else folders) / f"{family}.toml"
    if not file.exists():
        folder = str(folder_of(family, folders))
        made = measure_pipeline(folder, f"tiny-{family}", SMALL, tiles)
        file.write_text(made.toml(), encoding="utf-8")
    return load_catalog(extra=file)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["measure", *words])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_pipeline_of_every_family(family: str, folders: Path, tmp_path: Path) -> None:
    catalog = measured(family, folders, tmp_path)
    model = catalog.models[f"tiny-{family}"]
    parts = {part.role: catalog.components[part.component] for part in model.parts}
    assert set(parts) == {Role.TEXT, Role.DENOISER, Role.VAE}
    assert {part.disk for part in model.parts} == {Precision.FP32}
    denoiser = parts[Role.DENOISER].denoiser
    assert denoiser is not None
    assert denoiser.batch == (2 if model.guidance_by is GuidanceBy.BATCH else 1)
    assert denoiser.attention_flops[0] > 0
    assert parts[Role.TEXT].encoder is not None
    assert set(parts[Role.VAE].decode) == {"bf16", "fp32"}


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_those_of_the_weights(family: str, folders: Path, tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    catalog = measured(family, folders, tmp_path)
    pipeline = PIPELINES[family]()
    assert isinstance(pipeline, DiffusionPipeline)
    for part in catalog.models[f"tiny-{family}"].parts:
        name = part.component.removeprefix(f"tiny-{family}-").replace("-", "_")
        true = sum(p.numel() for p in getattr(pipeline, name).parameters())
        assert catalog.components[part.component].parameters == true


def facts(family: str, folders: Path, tmp_path: Path, *names: str) -> dict[str, object]:
    model = measured(family, folders, tmp_path).models[f"tiny-{family}"]
    return {name: getattr(model, name) for name in names}


@pytest.mark.parametrize(
    ("family", "known"),
    [
        ("ltx", {"time_factor": 4, "pixels_per_token": 4, "guidance_by": GuidanceBy.BATCH}),
        ("mochi", {"time_factor": 6, "frame_step": 6, "fps": 30, "max_text_tokens": 256}),
        ("cosmos", {"guidance_by": GuidanceBy.CALLS, "pixels_per_token": 8, "steps": 36}),
        ("hunyuan", {"guidance_by": GuidanceBy.EMBEDDED, "negative": False}),
    ],
)
def test_facts_follow_from_class_and_configuration(
    family: str, known: dict[str, object], folders: Path, tmp_path: Path
) -> None:
    assert facts(family, folders, tmp_path, *known) == known


def test_a_tiled_decode_is_measured_where_it_changes_something(tmp_path: Path) -> None:
    folder = make("ltx", tmp_path)
    wide = {**SMALL, "width": 768, "height": 768}
    made = measure_pipeline(str(folder), "tiny", wide)
    card = made.components["tiny-vae"]["decode"]["bf16"]
    assert card["tile"] == (512, 512)
    assert card["tiled_flops"] > 1
    assert card["tiled_error"] < 0.1


def test_toml_and_json_say_the_same(folders: Path, tmp_path: Path) -> None:
    folder = str(folder_of("mochi", folders))
    words = [folder, "--id", "mine", "--no-tiles"]
    for name, value in SMALL.items():
        words += ["--fact", f"{name}={value}"]
    toml, as_json = run(*words), run(*words, "--json")
    assert (toml.exit_code, as_json.exit_code) == (0, 0)
    file = tmp_path / "catalog.toml"
    file.write_text(toml.stdout, encoding="utf-8")
    told = json.loads(as_json.stdout)
    catalog = load_catalog(extra=file)
    assert catalog.models["mine"] == VideoModel.model_validate(
        {"id": "mine", **told["models"]["mine"]}
    )
    assert set(told["components"]) == {"mine-text-encoder", "mine-transformer", "mine-vae"}
    assert any(note.startswith("fps: 30 is assumed") for note in told["notes"])


def test_the_index_of_weights_tells_how_they_are_stored(folders: Path, tmp_path: Path) -> None:
    """As a hub repository of which only JSON was fetched: no weights, an index with their bytes."""
    folder = make("mochi", tmp_path)
    parameters = 0
    for file in folder.glob("*/*.safetensors"):
        if file.parent.name == "transformer":
            parameters = (file.stat().st_size - 8) // 4
            index = {"metadata": {"total_size": 2 * parameters}}
            name = f"{file.name}.index.json"
            file.with_name(name).write_text(json.dumps(index), encoding="utf-8")
        file.unlink()
    pieces = {piece.name: piece for piece in read_pipeline(str(folder)).pieces}
    assert pieces["transformer"].stored_bytes == 2 * parameters
    made = measure_pipeline(str(folder), "mine", SMALL, tiles=False)
    disks = {part.component: part.disk for part in made.model.parts}
    assert disks["mine-transformer"] is Precision.BF16
    assert any("vae: how its weights are stored" in note for note in made.notes)


def test_a_denoiser_of_unknown_inputs_is_named(folders: Path, tmp_path: Path) -> None:
    folder = make("mochi", tmp_path)
    index = json.loads((folder / "model_index.json").read_text())
    index["transformer"] = ["diffusers", "FluxTransformer2DModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
    config = {"_class_name": "FluxTransformer2DModel", "num_layers": 1, "num_single_layers": 1}
    (folder / "transformer" / "config.json").write_text(json.dumps(config))
    with pytest.raises(InvalidInput) as wrong:
        measure_pipeline(str(folder), "mine", SMALL, tiles=False)
    said = str(wrong.value)
    assert "FluxTransformer2DModel" in said
    assert "worker/engines/measure/inputs.py" in said


def test_a_fact_that_no_file_says_is_asked_for(folders: Path) -> None:
    folder = folder_of("hunyuan", folders)
    with pytest.raises(InvalidInput) as wrong:
        measure_pipeline(str(folder), "mine", {"width": "wide"}, tiles=False)
    assert "width" in str(wrong.value)
    assert "--fact width=VALUE" in str(wrong.value)


@pytest.mark.parametrize("pair", ["fps", "speed=3", "parts=1"])
def test_a_fact_that_is_none_is_refused(pair: str) -> None:
    with pytest.raises(InvalidInput, match="--fact"):
        given_facts([pair])


def test_facts_are_read_as_toml_or_as_text() -> None:
    assert given_facts(["fps=24", "guidance=1.5", "negative=false", "licence=Apache 2"]) == {
        "fps": 24,
        "guidance": 1.5,
        "negative": False,
        "licence": "Apache 2",
    }


def test_what_is_no_pipeline_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"model_index\.json"):
        read_pipeline(str(tmp_path))
    with pytest.raises(InvalidInput, match="there is no such folder"):
        read_pipeline(str(tmp_path / "nothing"))


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def offline(*_: object, **__: object) -> str:
        raise huggingface_hub.errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    with pytest.raises(Unreachable, match=r"owner/name.*could not be fetched"):
        read_pipeline("owner/name")


def test_of_a_hub_repository_only_json_is_fetched(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    asked: list[str] = []

    def fetch(repo: str, allow_patterns: list[str]) -> str:
        asked.extend(allow_patterns)
        return str(folder_of("ltx", folders))

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert read_pipeline("owner/ltx").class_name == "LTXPipeline"
    assert asked
    assert all(pattern.endswith(".json") for pattern in asked)


@pytest.mark.parametrize(
    ("where", "id"),
    [
        ("Wan-AI/Wan2.1-T2V-14B-Diffusers", "wan2.1-t2v-14b"),
        ("/models/My Model/", "my-model"),
    ],
)
def test_ids_follow_the_rule(where: str, id: str) -> None:
    assert model_id(where) == id
