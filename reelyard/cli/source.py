"""Reads the scripts that a command was given: files, or `-` for what is piped in.

Says plainly what cannot be read: a folder, a file without permission, one that is far too large.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reelyard.errors import InvalidInput

STDIN = "-"
MOST_BYTES = 64 * 1024 * 1024
"""More is not even read; the farm's own limit is far lower and says so itself."""


@dataclass(frozen=True, slots=True)
class Source:
    """A script as bytes, its type, and the name to call it by."""

    name: str
    content: bytes
    media_type: str

    @property
    def stem(self) -> str:
        """The name without folder and ending; empty for what came through a pipe."""
        return "" if self.name == STDIN else Path(self.name).stem


def read_source(name: str) -> Source:
    """The script. Raises InvalidInput when it cannot be read."""
    from reelyard.script import guess_media_type, media_type_of

    if name == STDIN:
        content = sys.stdin.buffer.read(MOST_BYTES + 1)
        media_type = guess_media_type(content)
    else:
        content = _bytes(Path(name))
        media_type = media_type_of(name)
    if len(content) > MOST_BYTES:
        raise _unreadable(name, "is far too large to be a script", "Give the script itself.")
    return Source(name, content, media_type)


def read_text(name: str) -> str:
    """A text that is no script, in UTF-8. Raises InvalidInput when it cannot be read."""
    content = read_source(name).content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise _unreadable(name, f"is not UTF-8: {wrong}", "Save it as UTF-8.") from None


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise _unreadable(str(path), "is a folder", "Name the files in it.")
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise _unreadable(str(path), "is not there", "Check the name and the folder.") from None
    except (OSError, ValueError) as wrong:
        why = getattr(wrong, "strerror", None) or str(wrong)
        raise _unreadable(str(path), f"cannot be read: {why}", "Give a readable file.") from None


def _unreadable(name: str, message: str, remedy: str) -> InvalidInput:
    from reelyard.errors import InvalidInput, Problem

    return InvalidInput([Problem(name, message, remedy=remedy)])
