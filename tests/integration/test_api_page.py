"""The commands of docs/api.md work as they stand, against a real server and a played worker."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reelyard.artifact import Artifact
from reelyard.storage.disk import DiskStore
from reelyard.task import ComposeWork
from tests.support.farm_in_hand import FarmInHand
from tests.support.running_api import running_api
from tests.support.services import needs_program

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@contextmanager
def played_worker(folder: Path) -> Iterator[None]:
    """Somebody else's process would be the loop and the worker; here a thread plays both."""
    farm, store = FarmInHand(f"sqlite:///{folder / 'farm.db'}"), DiskStore(folder / "artifacts")
    film = kept(store, folder, b"a film" * 100, "film.mp4", "video/mp4")
    picture = kept(store, folder, b"a picture", "poster.jpg", "image/jpeg")
    words = kept(store, folder, b"WEBVTT\n", "film.vtt", "text/vtt")
    over = threading.Event()

    def play() -> None:
        while not over.wait(0.1):
            farm.hello()
            for order in farm.turn():
                farm.started(order)
                farm.finished(order)
                report = farm.reports[-1]
                if isinstance(order.work, ComposeWork) and isinstance(report, dict):
                    files = {"film": film, "poster": picture, "sheet": picture, "subtitles": words}
                    report["result"] |= {name: a.model_dump() for name, a in files.items()}

    player = threading.Thread(target=play)
    player.start()
    try:
        yield
    finally:
        over.set()
        player.join(30)


def kept(store: DiskStore, folder: Path, content: bytes, name: str, media_type: str) -> Artifact:
    (folder / "to-keep").write_bytes(content)
    return store.put(folder / "to-keep", name, media_type)


def script(text: str, folder: Path) -> str:
    """One shell script of all blocks; what they keep goes to the folder."""
    blocks = BLOCK.findall(text)
    assert len(blocks) > 10
    return "set -eu\n" + "\n".join(blocks).replace("/tmp/", f"{folder}/")


def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    needs_program("curl")
    bash = needs_program("bash")
    text = script(PAGE, tmp_path)
    with running_api(tmp_path) as api, played_worker(tmp_path):
        done = subprocess.run(
            [bash, "-c", text],
            cwd=ROOT,
            env={"API": api.address, "TOKEN": api.token, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert (tmp_path / "film.mp4").read_bytes() == b"a film" * 100
    assert (tmp_path / "film.vtt").read_bytes() == b"WEBVTT\n"
    assert (tmp_path / "poster.jpg").read_bytes() == b"a picture"
    assert len((tmp_path / "first-bytes").read_bytes()) == 100
    statuses = re.findall(r'"status": (\d+)', done.stdout)
    assert statuses == ["422"], done.stdout  # the one refusal that the page shows
    for part in ("event: job.submitted", '"state":"cancelled"', "reelyard_tasks{", '"secret"'):
        assert part in done.stdout, part


def test_the_page_tells_of_statuses_that_the_document_has() -> None:
    told = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    document = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    known = {
        status
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
        if status >= "400"
    }
    assert known - {"500"} == told - {"405"}
    assert "405" in told


@pytest.mark.parametrize(
    "address", re.findall(r"`(/[\w./-]+)`", (ROOT / "docs/api.md").read_text())
)
def test_the_page_names_addresses_that_exist(address: str) -> None:
    document = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    paths = [re.sub(r"\{\w+\}", "X", path) for path in document["paths"]] + ["/openapi.json"]
    assert re.sub(r"[A-Z][A-Z0-9]+", "X", address) in paths
