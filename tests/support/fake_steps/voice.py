"""`ok`, `load`, `wait` (until stopped), `until PATH` (is there), `denoise` (until it should make
room, then it keeps its place), `deaf` (cannot be stopped), `crash`, `memory`, `error`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from reelyard.task import Checkpoint, VoiceResult, VoiceWork
from worker.desk import Desk, Yielded


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
    if work.text == "denoise":
        raise Yielded(_kept(desk))
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


def preload(voice_id: str, desk: Desk) -> None:
    """`hold` in its folder holds it up."""

    def load() -> bytearray:
        while (desk.folder / "hold").exists():
            time.sleep(0.01)
        return bytearray(50_000_000)

    desk.resident(voice_id, load)


def _kept(desk: Desk) -> Checkpoint:
    step = 0
    while not desk.should_yield():
        step += 1
        desk.report("denoise", step, 1_000_000)
        time.sleep(0.01)
    path = desk.folder / "place"
    path.write_bytes(b"a place")
    artifact = desk.store.put(path, path.name, "application/octet-stream")
    return Checkpoint(artifact=artifact, step=step, steps=1_000_000)
