"""From a hash to the place in the store. What is no hash names nothing: it is never a path."""

from __future__ import annotations

import re

from reelyard.artifact import key_of
from reelyard.errors import ArtifactDamaged, NotFound

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REMEDY = "Artifacts are listed with their hashes by `reelyard show`."


def place_of(sha256: str) -> str:
    """`sha256/ab/abcdef...`. Raises NotFound for anything but 64 lower-case hexadecimal digits."""
    if not _SHA256.fullmatch(sha256):
        raise NotFound(f"{sha256[:80]!r} is not the hash of an artifact.", _REMEDY)
    return key_of(sha256)


def missing(sha256: str, where: str) -> NotFound:
    """The error for a hash that nothing was stored under."""
    return NotFound(f"No artifact {sha256} in {where}.", _REMEDY)


def damaged(sha256: str, found: str, where: str) -> ArtifactDamaged:
    """The error for bytes that do not match their name."""
    return ArtifactDamaged(
        f"The artifact {sha256} in {where} is damaged: its bytes hash to {found}."
    )
