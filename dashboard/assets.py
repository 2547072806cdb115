"""Static files under an address that changes with their content, so that browsers may keep them.

One digest for all of them: styles name fonts and images by relative addresses.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Response, send_from_directory

FOLDER = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Assets:
    """The static files of this edition of the dashboard."""

    folder: Path
    edition: str

    @classmethod
    def of(cls, folder: Path = FOLDER) -> Assets:
        """Reads every file once."""
        digest = hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
                digest.update(path.read_bytes())
        return cls(folder, digest.hexdigest()[:12])

    def url(self, name: str) -> str:
        """Where a page finds the file."""
        return f"/static/{self.edition}/{name}"

    def answer(self, edition: str, name: str) -> Response:
        """The file itself. Only what was asked for by its present edition is kept for long."""
        response = send_from_directory(self.folder, name)
        response.headers["Cache-Control"] = _FOREVER if edition == self.edition else "no-cache"
        return response
