"""Where weights are looked for, and what a worker says it can do. Folders only, no network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reelyard.catalog import Catalog, load_catalog
from reelyard.failure import FailureKind
from reelyard.settings import Settings
from worker import weights
from worker.desk import TaskFailed

CATALOG = load_catalog()
WAN = CATALOG.models["wan2.1-t2v-1.3b"]
VITS = CATALOG.voices["mms-tts-eng"]


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def _pipeline(folder: Path) -> Path:
    index = {"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"]}
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "weights.safetensors").write_bytes(b"1")
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def _cached(tmp_path: Path, repo: str) -> Path:
    return tmp_path / "hub" / f"models--{repo.replace('/', '--')}" / "snapshots" / "abc"


def test_the_farms_own_folder_comes_first(tmp_path: Path) -> None:
    _pipeline(_cached(tmp_path, WAN.repo))
    own = _pipeline(tmp_path / "models" / WAN.id)

    assert weights.locate(WAN, Settings(models_dir=tmp_path / "models")) == str(own)


def test_what_was_downloaded_before_is_used_without_the_network(tmp_path: Path) -> None:
    cached = _pipeline(_cached(tmp_path, WAN.repo))

    assert weights.locate(WAN, Settings(allow_hub=False)) == str(cached)


def test_a_folder_in_the_catalog_is_a_place(tmp_path: Path) -> None:
    folder = _pipeline(tmp_path / "mine")

    model = WAN.model_copy(update={"repo": str(folder)})

    assert weights.locate(model, Settings(allow_hub=False)) == str(folder)


def test_half_a_download_does_not_count(tmp_path: Path) -> None:
    cached = _pipeline(_cached(tmp_path, WAN.repo))
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    (cached / "vae" / "x.safetensors.index.json").write_text(json.dumps(index))
    (cached / "vae" / "one.safetensors").write_bytes(b"1")

    assert weights.locate(WAN, Settings(allow_hub=True)) == WAN.repo
    (cached / "vae" / "two.safetensors").write_bytes(b"1")
    assert weights.locate(WAN, Settings(allow_hub=True)) == str(cached)


def test_a_missing_model_says_where_to_put_it(tmp_path: Path) -> None:
    with pytest.raises(TaskFailed, match=r"REELYARD_MODELS_DIR/wan2\.1-t2v-1\.3b") as missing:
        weights.locate(WAN, Settings(allow_hub=False, models_dir=tmp_path))

    assert missing.value.failure.kind is FailureKind.MODEL_MISSING


def test_a_packaged_model_is_never_looked_for_on_the_hub() -> None:
    model = WAN.model_copy(update={"repo": "builtin:no-such-model"})

    with pytest.raises(TaskFailed, match="Install Reelyard again"):
        weights.locate(model, Settings(allow_hub=True))


def test_the_hubs_offline_switch_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(TaskFailed):
        weights.locate(WAN, Settings(allow_hub=True))


def test_downloads_are_offered_only_where_a_gpu_could_use_them(tmp_path: Path) -> None:
    catalog = Catalog(models={WAN.id: WAN}, voices={}, styles={})
    allowed, forbidden = Settings(allow_hub=True), Settings(allow_hub=False)

    assert weights.available_models(catalog, allowed, has_gpu=True) == (WAN.id,)
    assert weights.available_models(catalog, allowed, has_gpu=False) == ()
    assert weights.available_models(catalog, forbidden, has_gpu=True) == ()
    _pipeline(_cached(tmp_path, WAN.repo))
    assert weights.available_models(catalog, forbidden, has_gpu=False) == (WAN.id,)


def test_a_voice_is_offered_when_its_weights_are_here(tmp_path: Path) -> None:
    assert VITS.id not in weights.available_voices(CATALOG, Settings(allow_hub=True))

    folder = tmp_path / "voices" / VITS.id
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert VITS.id in weights.available_voices(CATALOG, Settings(models_dir=tmp_path / "voices"))
