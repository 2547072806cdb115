"""How fast the disk with the models is read: loading a model takes that long. Never writes.

Measured on a file that will really be read, because model folders are often on a disk of their own
or on a network. What lies in the page cache is dropped first, or RAM would be measured.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from reelyard.catalog import Catalog
from reelyard.clock import Clock
from reelyard.settings import Settings
from worker.weights import find

_MIB = 1024 * 1024
_LEAST_BYTES = 32 * _MIB
"""A smaller file says more about how it is opened than about the disk."""
_MOST_BYTES = 256 * _MIB
_MOST_SECONDS = 2.0
_PIECE = 8 * _MIB
_WEIGHTS = frozenset({".safetensors", ".bin", ".pt", ".pth", ".onnx"})
log = logging.getLogger(__name__)


class Disk:
    """What holds this worker's models."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._timed = False
        self._gb_s: float | None = None

    def read_gb_s(self, catalog: Catalog) -> float | None:
        """1e9 bytes a second. Measured once: when a worker introduces itself again, its engines are
        reading models from the same disk. Takes two seconds at most."""
        if not self._timed:
            self._timed = True
            file = largest_weights(model_folders(catalog, self._settings))
            self._gb_s = read_speed(file, self._clock) if file else None
        return self._gb_s


def read_speed(file: Path, clock: Clock) -> float | None:
    """1e9 bytes a second; None when the file cannot be read, or when this system cannot drop its
    cache."""
    if not hasattr(os, "posix_fadvise"):
        return None
    try:
        return _timed(file, clock)
    except OSError as unreadable:
        log.warning("%s cannot be read: %s", file, unreadable)
        return None


def model_folders(catalog: Catalog, settings: Settings) -> list[Path]:
    """Where the models lie that are here whole."""
    found = (
        find(model.id, model.repo, settings, "model_index.json")
        for model in catalog.models.values()
    )
    return [folder for folder in found if folder is not None]


def largest_weights(folders: Iterable[Path]) -> Path | None:
    """The largest file of weights, when it is large enough to time."""
    sizes = {
        file: file.stat().st_size
        for folder in folders
        for file in folder.rglob("*")
        if file.suffix in _WEIGHTS and file.is_file()
    }
    largest = max(sizes, key=lambda file: sizes[file], default=None)
    return largest if largest and sizes[largest] >= _LEAST_BYTES else None


def _timed(file: Path, clock: Clock) -> float | None:
    buffer = memoryview(bytearray(_PIECE))
    with file.open("rb", buffering=0) as opened:
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        started, done, seconds = clock.monotonic(), 0, 0.0
        while done < _MOST_BYTES and seconds < _MOST_SECONDS:
            piece = opened.readinto(buffer)
            if not piece:
                break
            done += piece
            seconds = clock.monotonic() - started
    return round(done / seconds / 1e9, 3) if seconds > 0 else None
