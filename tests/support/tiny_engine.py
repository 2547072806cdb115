"""Engines of tiny pipelines in any plan on the CPU, and what they draw.

Offload is hooked from CPU to CPU here: the same hooks as on a GPU, but for the streams.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reelyard.catalog import Catalog, VideoModel
from reelyard.plan import Plan
from reelyard.task import VideoWork
from tests.support.tiny_pipelines import PIPELINES, catalog_entry, make
from worker.engines.video.load import load
from worker.engines.video.place import place
from worker.engines.video.precision import convert
from worker.engines.video.render import VideoEngine, Visit

FAMILIES = list(PIPELINES)


def tiny_catalog(folder: Path) -> Catalog:
    """Every family, saved in the folder."""
    entries = [catalog_entry(name, str(make(name, folder))) for name in FAMILIES]
    return Catalog(models={entry.id: entry for entry in entries}, voices={}, styles={})


def tiny_model(catalog: Catalog, family: str) -> VideoModel:
    """The family's entry."""
    return catalog.models[f"tiny-{family}"]


def tiny_engine(catalog: Catalog, family: str, plan: Plan) -> VideoEngine:
    """As `load_engine`, with hooks where a CPU would do without."""
    model = tiny_model(catalog, family)
    loaded = load(model, model.repo, plan.precision, may_download=False)
    convert(loaded.pipeline, plan.precision, "cpu")
    place(loaded.pipeline, "cpu", plan.offload)
    engine = VideoEngine(model, loaded, "cpu", may_download=False)
    engine.follow(plan)
    return engine


def a_shot(model: VideoModel, seed: int = 1) -> VideoWork:
    """Three steps of a few frames."""
    return VideoWork(
        model=model.id,
        prompt="a red circle moving left",
        width=64,
        height=64,
        fps=8,
        frames=2 * model.frame_step + 1,
        steps=3,
        guidance=3.0,
        seed=seed,
    )


def drawn_by(engine: VideoEngine, seed: int = 1) -> NDArray[np.uint8]:
    """The pictures of one shot."""
    work = a_shot(engine._model, seed)
    return engine.render(work, work.prompt, None, Visit(lambda *_: None))[0]


def apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Mean difference over the spread of the first."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean() / one.std())
