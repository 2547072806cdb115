"""Builders of what the core looks at: every field has a harmless default."""

from __future__ import annotations

from typing import Any

from coordinator.core.foresight import Foresight
from coordinator.core.snapshot import Device, Snapshot, UnderWay, Waiting
from coordinator.core.split import shape_of
from reelyard.catalog import Catalog, load_catalog
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.states import TaskKind, WorkerState
from reelyard.task import ComposeWork, VideoWork, VoiceWork, Work

CATALOG: Catalog = load_catalog()
FORESIGHT = Foresight(CATALOG)
DEMO, SMALL, LARGE = "reelyard-demo", "wan2.1-t2v-1.3b", "wan2.1-t2v-14b"


def shot(model: str = DEMO, frames: int | None = 49, **more: Any) -> VideoWork:
    entry = CATALOG.models[model]
    usual: dict[str, Any] = {
        "prompt": "a red circle",
        "width": entry.width,
        "height": entry.height,
        "fps": entry.fps,
        "steps": entry.steps,
        "guidance": entry.guidance,
        "seed": 0,
    }
    return VideoWork(model=model, frames=frames, **{**usual, **more})


def line(voice: str = "heart", frames: int | None = None) -> VoiceWork:
    return VoiceWork(text="Hello.", voice=voice, fps=12, frames=frames)


def film() -> ComposeWork:
    return ComposeWork(title="t", width=512, height=288, fps=12, scenes=())


def waiting(work: Work | None = None, id: str = "job-a.s01.video1", **more: Any) -> Waiting:
    work = work or shot()
    kinds = {"video": TaskKind.VIDEO, "voice": TaskKind.VOICE, "compose": TaskKind.COMPOSE}
    usual: dict[str, Any] = {
        "job_id": id.split(".")[0],
        "kind": kinds[work.kind],
        "scene": 0,
        "label": id,
        "model": getattr(work, "model", "") or getattr(work, "voice", ""),
        "shape": shape_of(work),
        "work": work,
        "priority": 50,
        "queued_at": 0.0,
    }
    return Waiting(id=id, **{**usual, **more})


def device(worker: str = "w", id: str = "cpu", **more: Any) -> Device:
    kind = "cpu" if id == "cpu" else "cuda"
    usual: dict[str, Any] = {
        "kind": kind,
        "name": "cpu" if kind == "cpu" else "rtx-4090",
        "node": worker,
        "state": WorkerState.ONLINE,
        "memory_gib": 16.0 if kind == "cpu" else 24.0,
        "models": frozenset(CATALOG.models),
        "voices": frozenset(CATALOG.voices),
        "type": "cpu" if kind == "cpu" else "rtx-4090",
    }
    return Device(worker_id=worker, id=id, **{**usual, **more})


def farm(*found: Waiting | Device, now: float = 100.0, lessons: Lessons = NOTHING) -> Snapshot:
    return Snapshot(
        now=now,
        waiting=tuple(item for item in found if isinstance(item, Waiting)),
        devices=tuple(item for item in found if isinstance(item, Device)),
        catalog=CATALOG,
        lessons=lessons,
        under_way=tuple(
            UnderWay(
                waiting(shot(), f"job-b.{n}", label=item.busy), f"b{n}", *item.key, 0.0, gib=1.0
            )
            for n, item in enumerate(found)
            if isinstance(item, Device) and item.busy
        ),
    )
