"""What every artifact store promises, asked of a folder and of a real S3 server."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from reelyard.artifact import key_of
from reelyard.errors import (
    ArtifactDamaged,
    InvalidInput,
    NotFound,
    NotInstalled,
    StoreFull,
    Unreachable,
)
from reelyard.settings import Settings
from reelyard.storage import ArtifactStore
from reelyard.storage import disk as disk_module
from reelyard.storage.disk import DiskStore
from reelyard.storage.locate import open_store
from reelyard.storage.s3 import S3Store
from tests.support.seaweed import Bucket, running_seaweed

NOBODY = "0" * 64


@dataclass(frozen=True, slots=True)
class Shop:
    """A store, and a way to damage what lies in it behind its back."""

    store: ArtifactStore
    damage: Callable[[str], None]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_seaweed(tmp_path_factory.mktemp("seaweed")) as made:
        yield made


@pytest.fixture(params=["disk", pytest.param("s3", marks=pytest.mark.s3)])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    if request.param == "disk":
        root = tmp_path / "store"
        store = open_store(Settings(store_url=root.as_uri()))
        return Shop(store, lambda sha256: _scribble(root / key_of(sha256)))
    return _s3_shop(request.getfixturevalue("bucket"), monkeypatch, request.node.name)


def _s3_shop(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, prefix: str) -> Shop:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    url = f"s3://{bucket.name}/{prefix.replace('[', '-').rstrip(']')}"
    store = open_store(Settings(store_url=url, s3_endpoint=bucket.endpoint))
    inside = urlsplit(url).path.strip("/")

    def damage(sha256: str) -> None:
        bucket.client().put_object(
            Bucket=bucket.name, Key=f"{inside}/{key_of(sha256)}", Body=b"not what it was"
        )

    return Shop(store, damage)


def _scribble(path: Path) -> None:
    path.write_bytes(b"not what it was")


def _file(folder: Path, content: bytes, name: str = "clip.mp4") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_comes_back_as_it_was(shop: Shop, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    made = shop.store.put(_file(tmp_path, content), "scene-01.mp4", "video/mp4")

    assert made.sha256 == hashlib.sha256(content).hexdigest()
    assert (made.name, made.media_type, made.size_bytes) == ("scene-01.mp4", "video/mp4", 300_000)
    assert shop.store.size(made.sha256) == 300_000
    into = tmp_path / "new" / "folder" / "back.mp4"
    assert shop.store.fetch(made.sha256, into) == into
    assert into.read_bytes() == content
    assert [path.name for path in into.parent.iterdir()] == ["back.mp4"]


def test_an_empty_file_is_a_file(shop: Shop, tmp_path: Path) -> None:
    made = shop.store.put(_file(tmp_path, b""), "empty.vtt", "text/vtt")

    assert shop.store.size(made.sha256) == 0
    assert shop.store.fetch(made.sha256, tmp_path / "back").read_bytes() == b""
    assert b"".join(shop.store.read(made.sha256, 0, 10)) == b""


def test_writing_twice_is_harmless(shop: Shop, tmp_path: Path) -> None:
    path = _file(tmp_path, b"the same bytes")

    first = shop.store.put(path, "one", "text/plain")
    second = shop.store.put(path, "another name", "text/plain")

    assert first.sha256 == second.sha256
    assert shop.store.fetch(first.sha256, tmp_path / "back").read_bytes() == b"the same bytes"


def test_a_file_of_many_parts_comes_back(shop: Shop, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 40  # three parts of 16 MiB on S3

    made = shop.store.put(_file(tmp_path, content), "long.mp4", "video/mp4")

    assert shop.store.fetch(made.sha256, tmp_path / "back").read_bytes() == content


@pytest.mark.parametrize(("start", "end"), [(0, 4), (3, 7), (5, 5), (6, 1000), (10, 20)])
def test_a_part_can_be_read(shop: Shop, tmp_path: Path, start: int, end: int) -> None:
    made = shop.store.put(_file(tmp_path, b"0123456789"), "digits", "text/plain")

    assert b"".join(shop.store.read(made.sha256, start, end)) == b"0123456789"[start:end]


def test_what_was_never_stored_is_not_found(shop: Shop, tmp_path: Path) -> None:
    for ask in (
        lambda: shop.store.size(NOBODY),
        lambda: shop.store.fetch(NOBODY, tmp_path / "back"),
        lambda: shop.store.read(NOBODY, 0, 1),
    ):
        with pytest.raises(NotFound, match=NOBODY):
            ask()
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_a_name_that_is_no_hash_is_never_a_path(shop: Shop, tmp_path: Path, name: str) -> None:
    with pytest.raises(NotFound, match="not the hash"):
        shop.store.fetch(name, tmp_path / "back")


def test_damage_is_noticed_and_mended_by_storing_again(shop: Shop, tmp_path: Path) -> None:
    path = _file(tmp_path, b"what it was before")
    made = shop.store.put(path, "clip", "video/mp4")
    shop.damage(made.sha256)

    with pytest.raises(ArtifactDamaged, match="Render the task again"):
        shop.store.fetch(made.sha256, tmp_path / "back")
    assert not (tmp_path / "back").exists()

    shop.store.put(path, "clip", "video/mp4")
    assert shop.store.fetch(made.sha256, tmp_path / "back").read_bytes() == b"what it was before"


def test_a_good_store_passes_its_check(shop: Shop) -> None:
    shop.store.check()


def test_a_full_disk_says_so_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: Path, target: Path) -> str:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk_module, "_copy", full)
    store = DiskStore(tmp_path / "store")
    path = _file(tmp_path, b"too much")

    with pytest.raises(StoreFull, match="Free some space"):
        store.put(path, "clip", "video/mp4")
    assert not [left for left in (tmp_path / "store").rglob("*") if left.is_file()]


def test_a_folder_that_cannot_be_one_is_unreachable(tmp_path: Path) -> None:
    store = DiskStore(_file(tmp_path, b"I am a file") / "store")

    with pytest.raises(Unreachable, match="may write there"):
        store.check()


@pytest.mark.s3
def test_a_bucket_that_is_not_there_is_unreachable(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Unreachable, match="s3://nowhere/"):
        S3Store("nowhere", endpoint=bucket.endpoint).check()


@pytest.mark.s3
def test_wrong_credentials_are_unreachable(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (bucket.environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}).items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Unreachable, match="credentials"):
        S3Store(bucket.name, endpoint=bucket.endpoint).check()


def test_no_url_means_a_folder_in_the_state(tmp_path: Path) -> None:
    store = open_store(Settings(state=tmp_path / "state", store_url=""))

    made = store.put(_file(tmp_path, b"x"), "x", "text/plain")

    assert (tmp_path / "state" / "artifacts" / key_of(made.sha256)).read_bytes() == b"x"


@pytest.mark.parametrize("url", ["ftp://host/folder", "s3://", "artifacts", "file://host/folder"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="REELYARD_STORE_URL"):
        open_store(Settings(store_url=url))


def test_s3_without_boto3_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)

    with pytest.raises(NotInstalled, match=r"pip install 'reelyard\[s3\]'"):
        open_store(Settings(store_url="s3://films/artifacts"))
