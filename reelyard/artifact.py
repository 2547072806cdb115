"""A file named by its content: writing it twice is harmless, reading it can be checked."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_CHUNK_BYTES = 1 << 20

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Artifact(BaseModel):
    """What a task made: `name` is for people, `sha256` is where it lies."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    size_bytes: int = Field(ge=0)
    sha256: Sha256


def key_of(sha256: str) -> str:
    """Where the store keeps it: `sha256/ab/abcdef...`."""
    return f"sha256/{sha256[:2]}/{sha256}"


def digest_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def describe(path: Path, name: str, media_type: str) -> Artifact:
    """The artifact that this file would be."""
    return Artifact(
        name=name,
        media_type=media_type,
        size_bytes=path.stat().st_size,
        sha256=digest_of(path),
    )
