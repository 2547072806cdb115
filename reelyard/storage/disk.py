"""Artifacts in a folder: `<root>/sha256/ab/abcdef...`.

A file appears under its name only when it is whole and on the disk: it is written beside, synced,
then renamed. Several processes may share the folder. Never deletes an artifact.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reelyard.artifact import Artifact, describe, digest_of
from reelyard.errors import StoreFull, Unreachable
from reelyard.storage.key import damaged, missing, place_of

_CHUNK_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskStore:
    """An `ArtifactStore` in a folder, which is made when the first artifact arrives."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, path: Path, name: str, media_type: str) -> Artifact:
        """Store the file. A damaged copy under the same name is replaced. Raises StoreFull."""
        artifact = describe(path, name, media_type)
        target = self._root / place_of(artifact.sha256)
        if target.is_file() and digest_of(target) == artifact.sha256:
            return artifact
        with self._explained(artifact.size_bytes), _appearing(target) as beside:
            found = _copy(path, beside)
            if found != artifact.sha256:
                raise damaged(artifact.sha256, found, f"{path} (it changed while it was stored)")
        return artifact

    def fetch(self, sha256: str, into: Path) -> Path:
        """Copy the artifact to the file `into`. Raises NotFound, ArtifactDamaged, StoreFull."""
        source = self._existing(sha256)
        with self._explained(source.stat().st_size), _appearing(into) as beside:
            found = _copy(source, beside)
            if found != sha256:
                raise damaged(sha256, found, str(self._root))
        return into

    def size(self, sha256: str) -> int:
        """Bytes. Raises NotFound."""
        return self._existing(sha256).stat().st_size

    def read(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`. Raises NotFound at once."""
        return _pieces(self._existing(sha256), start, end)

    def check(self) -> None:
        """Raises Unreachable when the folder takes no files."""
        with self._explained(1), _appearing(self._root / ".check") as probe:
            probe.write_bytes(b"\n")

    def _existing(self, sha256: str) -> Path:
        path = self._root / place_of(sha256)
        if not path.is_file():
            raise missing(sha256, str(self._root))
        return path

    @contextmanager
    def _explained(self, size_bytes: int) -> Iterator[None]:
        try:
            yield
        except OSError as wrong:
            if wrong.errno in _FULL:
                raise self._full(size_bytes) from wrong
            raise Unreachable(
                f"The artifact folder {self._root} cannot be used: {wrong}.",
                "Check that it exists and that this user may write there.",
            ) from wrong

    def _full(self, size_bytes: int) -> StoreFull:
        free = "unknown"
        with suppress(OSError):
            free = f"{shutil.disk_usage(self._root).free / 1e6:.0f} MB"
        return StoreFull(
            f"No room in {self._root} for {size_bytes / 1e6:.1f} MB (free: {free}).",
            "Free some space, or set REELYARD_STORE_URL to a larger disk.",
        )


@contextmanager
def _appearing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to; it becomes `target` when the block ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".part-", dir=target.parent)
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        beside.chmod(0o644)
        beside.replace(target)
        _sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> str:
    """Copy and sync; returns the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK_BYTES):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _sync(folder: Path) -> None:
    """Put the rename itself on the disk; file systems that cannot are left alone."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _pieces(path: Path, start: int, end: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        left = end - start
        while left > 0 and (piece := file.read(min(left, _CHUNK_BYTES))):
            left -= len(piece)
            yield piece
