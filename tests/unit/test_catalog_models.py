"""The models of the catalog: each whole, each legal by its own rule, each made of networks that are
there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reelyard.catalog import Catalog, GuidanceBy, Role, VideoModel, load_catalog
from reelyard.errors import InvalidInput
from reelyard.plan import Precision

PROMISED = {
    "reelyard-demo",
    "wan2.1-t2v-1.3b",
    "wan2.1-t2v-14b",
    "wan2.1-i2v-14b-480p",
    "wan2.1-i2v-14b-720p",
    "wan2.2-t2v-a14b",
    "wan2.2-i2v-a14b",
    "wan2.2-ti2v-5b",
    "ltx-video",
    "ltx-video-0.9.7-dev",
    "ltx-2",
    "cogvideox-2b",
    "cogvideox-5b",
    "cogvideox-5b-i2v",
    "cogvideox1.5-5b",
    "cogvideox1.5-5b-i2v",
    "hunyuanvideo",
    "hunyuanvideo-i2v",
    "hunyuanvideo-1.5",
    "mochi-1-preview",
    "cosmos-1.0-diffusion-7b-text2world",
    "cosmos-1.0-diffusion-7b-video2world",
    "cosmos-1.0-diffusion-14b-text2world",
    "cosmos-1.0-diffusion-14b-video2world",
    "cosmos-predict2-2b-video2world",
    "cosmos-predict2-14b-video2world",
    "cosmos-predict2-2b-text2image",
    "cosmos-predict2-14b-text2image",
    "allegro",
    "latte-1",
}
WAN = {"wan2.1-t2v-1.3b", "wan2.1-t2v-14b", "wan2.2-t2v-a14b", "wan2.2-i2v-a14b", "wan2.2-ti2v-5b"}

A_PART = "{role = 'denoiser', component = 'latte-1'}"
A_MODEL = f"""
[models.own]
name = "Own"
repo = "me/Own"
pipeline = "LattePipeline"
licence = "MIT"
width = 512
height = 512
fps = 8
frame_step = 1
min_frames = 1
max_frames = 16
size_multiple = 16
steps = 50
guidance = 7.5
max_text_tokens = 120
pixels_per_token = 16
time_factor = 1
parts = [{A_PART}]
"""
A_VOICE = """
[voices.own]
name = "Own"
engine = "vits"
language = "de"
licence = "MIT"
memory_gib = 0.5
component = "mms-tts-eng"
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog()


@pytest.fixture(params=sorted(load_catalog().models))
def model(request: pytest.FixtureRequest, catalog: Catalog) -> VideoModel:
    return catalog.models[request.param]


def test_every_promised_model_is_there(catalog: Catalog) -> None:
    assert set(catalog.models) >= PROMISED


def test_its_id_is_the_last_part_of_its_hub_id(model: VideoModel) -> None:
    """In lower case, without `-diffusers`; a variant that follows may be left out as well."""
    hub = re.split("[/:]", model.repo)[-1].lower()
    whole, short = re.sub("[-_]diffusers", "", hub), re.split("[-_]diffusers", hub)[0]
    assert model.id in {whole, short}


def test_its_default_size_is_legal(model: VideoModel) -> None:
    assert model.width % model.size_multiple == model.height % model.size_multiple == 0
    assert model.size_multiple % model.pixels_per_token == 0


def test_its_shortest_and_longest_clips_are_legal(model: VideoModel) -> None:
    assert model.is_legal(model.min_frames) and model.is_legal(model.max_frames)
    assert model.frames_for(1) == model.min_frames
    assert model.frames_for(10**6) == model.max_frames


def test_its_frame_rule_fills_latent_frames(model: VideoModel) -> None:
    """No legal length leaves the VAE part of a latent frame."""
    assert model.frame_step % model.time_factor == 0


def test_it_reads_text_denoises_and_paints(model: VideoModel) -> None:
    roles = {part.role for part in model.parts}
    assert {Role.TEXT, Role.DENOISER, Role.VAE} <= roles
    assert len(model.of(Role.DENOISER)) == (2 if model.id.endswith("-a14b") else 1)


def test_a_model_that_needs_a_picture_starts_from_one(model: VideoModel) -> None:
    if model.needs_image:
        assert model.image_pipeline == model.pipeline


def test_only_one_that_is_told_its_guidance_knows_no_negative_prompt(model: VideoModel) -> None:
    assert model.negative == (model.guidance_by is not GuidanceBy.EMBEDDED)


def test_its_parts_are_components(model: VideoModel, catalog: Catalog) -> None:
    for part in model.parts:
        assert part.component in catalog.components


def test_its_size_is_the_one_that_its_name_says(model: VideoModel, catalog: Catalog) -> None:
    """Names round: within a fifth."""
    said = re.search(r"(\d+(?:\.\d+)?)b(?:-|_|$)", model.id)
    if said:
        denoiser = catalog.components[model.of(Role.DENOISER)[0].component]
        assert denoiser.parameters == pytest.approx(float(said[1]) * 1e9, rel=0.2)


def test_no_component_is_without_a_use(catalog: Catalog) -> None:
    used = {part.component for model in catalog.models.values() for part in model.parts}
    used |= {voice.component for voice in catalog.voices.values()}
    assert set(catalog.components) == used - {""}


@pytest.mark.parametrize(
    ("id", "width", "height", "frames", "expected"),
    [
        ("wan2.1-t2v-14b", 832, 480, 81, 32_760),
        ("wan2.1-t2v-14b", 1280, 720, 81, 75_600),
        ("wan2.2-ti2v-5b", 1280, 704, 121, 27_280),
        ("cogvideox-5b", 720, 480, 49, 17_550),
        ("cogvideox1.5-5b", 1360, 768, 81, 44_880),
        ("hunyuanvideo", 1280, 720, 129, 118_800),
        ("hunyuanvideo-1.5", 848, 480, 121, 49_290),
        ("ltx-video", 768, 512, 121, 6_144),
        ("mochi-1-preview", 848, 480, 163, 44_520),
        ("cosmos-1.0-diffusion-7b-text2world", 1280, 704, 121, 56_320),
        ("cosmos-predict2-2b-video2world", 1280, 704, 93, 84_480),
        ("cosmos-predict2-2b-text2image", 1360, 768, 1, 4_080),
        ("allegro", 1280, 720, 88, 79_200),
        ("latte-1", 512, 512, 16, 16_384),
    ],
)
def test_tokens_of_a_clip(
    catalog: Catalog, id: str, width: int, height: int, frames: int, expected: int
) -> None:
    """By hand: latent frames / patch x rows x columns; Allegro's makers say 79.2 k themselves."""
    model = catalog.models[id]
    assert model.latent_frames(frames) * model.tokens_per_frame(width, height) == expected


def test_wan_s_vae_decodes_in_full_precision(catalog: Catalog) -> None:
    for id in WAN:
        assert [part.resident for part in catalog.models[id].of(Role.VAE)] == [Precision.FP32]


def test_a_picture_model_makes_one_frame(catalog: Catalog) -> None:
    model = catalog.models["cosmos-predict2-2b-text2image"]
    assert (model.frames_for(1), model.longest_clip, model.latent_frames(1)) == (1, 1, 1)


def test_a_farm_s_own_model_and_voice_are_made_of_components(tmp_path: Path) -> None:
    own = load_catalog(_written(tmp_path, A_MODEL + A_VOICE))
    assert own.models["own"].parts[0].component == "latte-1"
    assert own.voices["own"].component == "mms-tts-eng"


@pytest.mark.parametrize(
    ("right", "wrong", "field", "value"),
    [
        ("component = 'latte-1'", "component = 'late'", "models.own.parts.0.component", "late"),
        ("role = 'denoiser'", "role = 'dreamer'", "models.own.parts.0.role", "dreamer"),
        ("role = 'denoiser'", "role = 'vae'", "models.own.", "must name a denoiser"),
        (A_PART, "", "models.own.parts", "at least 1"),
        (A_PART, A_PART.replace("}", ", disk = 'int3'}"), "models.own.parts.0.disk", "int3"),
        ('licence = "MIT"\nwidth', "width", "models.own.licence", "required"),
        ("frame_step = 1", "frame_step = 0", "models.own.frame_step", "0"),
        ("min_frames = 1", "min_frames = 17", "models.own.", "fewer than the least"),
        ("time_factor = 1", "time_faktor = 1", "models.own.time_faktor", "not permitted"),
        ("guidance = 7.5", "guidance = 7.5\nguidance_by = 'x'", "models.own.guidance_by", "x"),
        ('"mms-tts-eng"', '"mms"', "voices.own.component", "mms"),
    ],
)
def test_a_wrong_entry_is_named(
    tmp_path: Path, right: str, wrong: str, field: str, value: str
) -> None:
    text = A_MODEL + A_VOICE
    assert right in text
    with pytest.raises(InvalidInput) as refused:
        load_catalog(_written(tmp_path, text.replace(right, wrong)))
    problem = next(one for one in refused.value.problems if one.field.startswith(field))
    assert value in f"{problem.value} {problem.message}" and problem.remedy


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = (A_MODEL + A_VOICE).replace("'latte-1'", "'late'").replace('"mms-tts-eng"', '"mms"')
    with pytest.raises(InvalidInput) as refused:
        load_catalog(_written(tmp_path, text))
    fields = [problem.field for problem in refused.value.problems]
    assert fields == ["models.own.parts.0.component", "voices.own.component"]


def _written(folder: Path, text: str) -> Path:
    file = folder / "own.toml"
    file.write_text(text, encoding="utf-8")
    return file
