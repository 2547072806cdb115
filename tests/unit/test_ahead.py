"""Weights are read before they are needed: the right files, in turn, within the free RAM."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import threading
from pathlib import Path

import pytest

from reelyard.catalog import load_catalog
from reelyard.settings import Settings
from tests.support.waiting import eventually
from worker.ahead import Fetcher, bring
from worker.weights import weight_files

PIECE = 4 << 20


def on_disk(folder: Path, pieces: int, name: str = "weights") -> Path:
    """A file of which nothing is in RAM. Skips where the system keeps it there all the same."""
    file = folder / name
    file.write_bytes(os.urandom(1024) * (pieces * PIECE // 1024))
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if in_ram(file):
            pytest.skip("this file system cannot drop what it has read")
    return file


def in_ram(file: Path) -> int:
    """How many of its bytes lie in the page cache."""
    size = file.stat().st_size
    pages = (ctypes.c_ubyte * (size // mmap.PAGESIZE))()
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY) as seen:
        start = ctypes.c_char.from_buffer(seen)
        wrong = ctypes.CDLL(None).mincore(ctypes.byref(start), ctypes.c_size_t(size), pages)
        del start
    assert wrong == 0
    return sum(page & 1 for page in pages) * mmap.PAGESIZE


def test_a_piece_is_brought(tmp_path: Path) -> None:
    file = on_disk(tmp_path, 4)
    with file.open("rb") as opened:
        assert bring(opened.fileno(), PIECE, memoryview(bytearray(PIECE))) == PIECE
    assert PIECE <= in_ram(file) < 3 * PIECE


def test_all_weights_of_a_model_are_read(tmp_path: Path) -> None:
    files = [on_disk(tmp_path, 2, name) for name in ("a", "b")]
    fetcher = Fetcher(lambda _: files, lambda: 1 << 30)
    fetcher.fetch("m")
    eventually(fetcher.is_idle)
    assert [in_ram(file) for file in files] == [2 * PIECE, 2 * PIECE]


def test_no_more_is_read_than_there_is_room_for() -> None:
    read: list[Path] = []

    def files(_: str) -> list[Path]:
        read.append(Path("never opened"))
        return []

    fetcher = Fetcher(files, lambda: -5)
    fetcher.fetch("m")
    eventually(fetcher.is_idle)
    assert read


def test_half_of_it_is_read_where_half_of_it_fits(tmp_path: Path) -> None:
    files = [on_disk(tmp_path, 8, name) for name in ("a", "b")]
    fetcher = Fetcher(lambda _: files, lambda: 8 * PIECE + 1)
    fetcher.fetch("m")
    eventually(fetcher.is_idle)
    assert in_ram(files[0]) == 8 * PIECE
    assert in_ram(files[1]) == 0


def test_models_are_read_in_turn_and_what_is_not_needed_any_more_is_left(tmp_path: Path) -> None:
    go, asked = threading.Event(), list[str]()

    def files(model: str) -> list[Path]:
        asked.append(model)
        go.wait(20)
        return [tmp_path / "no such file"]

    fetcher = Fetcher(files, lambda: 1 << 30)
    for model in ("a", "b", "a", "b", "c"):
        fetcher.fetch(model)
    fetcher.leave("b")
    fetcher.leave("nobody asked for it")
    go.set()
    eventually(fetcher.is_idle)
    assert asked == ["a", "c"], "and a file that is gone stops nothing"


def test_only_what_a_load_reads_is_read(tmp_path: Path) -> None:
    catalog = load_catalog()
    model = catalog.models["wan2.1-t2v-1.3b"]
    folder = tmp_path / model.id
    names = (
        *("transformer/diffusion_pytorch_model-00001-of-00002.safetensors",),
        *("transformer/diffusion_pytorch_model-00002-of-00002.safetensors",),
        *("transformer/diffusion_pytorch_model.fp16.safetensors", "transformer/model.bin"),
        *("vae/diffusion_pytorch_model.safetensors", "vae/config.json"),
        *("all-of-it.safetensors", "other/model.safetensors"),
    )
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    index = {"_class_name": "WanPipeline", "transformer": ["d", "T"], "vae": ["d", "V"]}
    (folder / "model_index.json").write_text(json.dumps(index))

    found = weight_files(model.id, catalog, Settings(models_dir=tmp_path))

    assert [str(file.relative_to(folder)) for file in found] == [names[0], names[1], names[4]]
    assert weight_files("nobody", catalog, Settings(models_dir=tmp_path)) == ()
