"""`ok`, `load`, `wait` (until stopped), `until PATH` (is there), `deaf` (cannot be stopped),
`crash`, `memory`, `error`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from reelyard.task import VoiceResult, VoiceWork
from worker.desk import Desk


def run(work: VoiceWork, desk: Desk) -> VoiceResult:
    desk.report("load")
    if work.text == "load":
        desk.resident("a model", lambda: bytearray(50_000_000))
    while work.text == "wait":
        desk.report("speak", 1, 2)
        time.sleep(0.01)
    while work.text.startswith("until ") and not Path(work.text[6:]).exists():
        desk.report("speak", 1, 2)
        time.sleep(0.01)
    if work.text == "deaf":
        time.sleep(600)
    if work.text == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if work.text == "memory":
        raise MemoryError
    if work.text == "error":
        raise ValueError("no such luck")
    path = desk.folder / "line.wav"
    path.write_bytes(b"sound")
    return VoiceResult(
        audio=desk.store.put(path, path.name, "audio/wav"),
        sample_rate=1,
        samples=1,
        natural_seconds=1.0,
        words=(),
    )
