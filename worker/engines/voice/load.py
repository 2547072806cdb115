"""From a voice of the catalog to one that speaks. Weights: a folder first, then the hub."""

from __future__ import annotations

from pathlib import Path

from reelyard.catalog import Voice
from reelyard.failure import FailureKind
from reelyard.settings import Settings
from worker.desk import TaskFailed
from worker.engines.voice import Speaker


def load_speaker(voice: Voice, settings: Settings, device_id: str) -> Speaker:
    """Load it. Raises TaskFailed (model missing) where it cannot be had."""
    if voice.engine == "hibari":
        from worker.engines.voice import hibari

        return hibari.load(voice.id)
    if voice.engine == "vits":
        from worker.engines.voice import vits

        folder = _folder(voice, settings.models_dir)
        where = str(folder) if folder else voice.repo
        return vits.load(voice.id, where, device_id, bool(folder) or not settings.allow_hub)
    raise TaskFailed(
        FailureKind.MODEL_MISSING,
        f"The voice {voice.id} names the engine {voice.engine!r}, which this worker does not have. "
        "Known are hibari and vits: correct the voice in the catalog.",
    )


def _folder(voice: Voice, models: Path | None) -> Path | None:
    """Where its weights lie on this machine, if they do."""
    places = [Path(voice.repo)]
    if models is not None:
        places += [models / voice.repo, models / voice.repo.rsplit("/", 1)[-1]]
    return next((place for place in places if place.is_dir()), None)
