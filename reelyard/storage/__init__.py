"""Where artifacts lie: a folder or S3. Files are named by their content and checked when read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from reelyard.artifact import Artifact


class ArtifactStore(Protocol):
    """What coordinator and workers may ask of the store. Held to by `tests/contract`."""

    def put(self, path: Path, name: str, media_type: str) -> Artifact:
        """Store the file under its content hash; harmless when it is there already."""
        ...

    def fetch(self, sha256: str, into: Path) -> Path:
        """Bring the file to `into`. Raises NotFound, ArtifactDamaged."""
        ...

    def size(self, sha256: str) -> int:
        """Bytes. Raises NotFound."""
        ...

    def read(self, sha256: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces. Raises NotFound."""
        ...

    def check(self) -> None:
        """Raises Unreachable with the reason when nothing can be stored here."""
        ...
