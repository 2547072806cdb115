"""The file that steps which do nothing say they have made."""

from __future__ import annotations

from typing import Final

from reelyard.artifact import Artifact

NOTHING: Final = Artifact(
    name="nothing", media_type="application/octet-stream", size_bytes=0, sha256="0" * 64
)
