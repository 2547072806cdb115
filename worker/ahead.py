"""Reads weights into the page cache while something else runs: the load that follows reads no disk.

Never more than the RAM that is free when it begins, and never a file that no load would read.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)
_PIECE: Final = 4 << 20


class Fetcher:
    """One thread, which is started when there is something to read. Safe to use from any.

    `files_of` answers the files of a model's weights, none when they are not on this machine;
    `room_bytes` how much RAM may be filled.
    """

    def __init__(
        self, files_of: Callable[[str], Iterable[Path]], room_bytes: Callable[[], int]
    ) -> None:
        self._files_of, self._room_bytes = files_of, room_bytes
        self._wanted: deque[str] = deque()
        self._present, self._is_left = "", False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def fetch(self, model: str) -> None:
        """Read its weights, after those that were asked for before."""
        with self._changed:
            if model in self._wanted or (model == self._present and not self._is_left):
                return
            self._wanted.append(model)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
                self._thread.start()

    def leave(self, model: str) -> None:
        """It is not needed any more, or being loaded: whoever loads reads the rest."""
        with self._changed:
            if model in self._wanted:
                self._wanted.remove(model)
            self._is_left = self._is_left or model == self._present

    def is_idle(self) -> bool:
        """Nothing is being read, or waits to be."""
        with self._changed:
            return not self._wanted and not self._present

    def _run(self) -> None:
        while True:
            model = self._next()
            try:
                self._read(model)
            except Exception:  # whoever loads the model meets the same, and can tell somebody
                log.exception("the weights of %s were not read ahead", model)

    def _next(self) -> str:
        with self._changed:
            self._present = ""
            while not self._wanted:
                self._changed.wait()
            self._present, self._is_left = self._wanted.popleft(), False
            return self._present

    def _read(self, model: str) -> None:
        room, buffer = self._room_bytes(), memoryview(bytearray(_PIECE))
        for file in self._files_of(model):
            with file.open("rb", buffering=0) as opened:
                size = os.fstat(opened.fileno()).st_size
                for offset in range(0, size, _PIECE):
                    if self._is_left or room < _PIECE:
                        return
                    room -= bring(opened.fileno(), offset, buffer)


def bring(file: int, offset: int, buffer: memoryview) -> int:
    """Have this piece of the file in RAM; how long it is. One that is there already counts as much:
    what the system calls free holds it."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, offset, len(buffer), os.POSIX_FADV_WILLNEED)
    return os.preadv(file, [buffer], offset)
