"""What a try that ended teaches the predictor: measured over predicted, for the plan that ran.

Ratios are against the bare law, without what was learned before. One that no law can be wrong by is
left out and told of: then something else was measured. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from coordinator.core.foresight import clip_of
from reelyard.catalog import Catalog
from reelyard.messages import Measured
from reelyard.plan import Plan
from reelyard.predict.forecast import Circumstances, Forecast, Host, forecast, key_of
from reelyard.predict.lessons import Key, Seen
from reelyard.predict.matrix import unmeasured
from reelyard.predict.subject import subject
from reelyard.task import VideoWork

MOST_RATIO = 50.0
"""A law may be wrong, but not by this much."""
_RATIOS = {"memory": "memory", "seconds": "time", "load": "load time", "ran_out": "memory"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the bare law says of the plan that ran, and what its lesson is kept under."""

    key: Key
    way: Forecast


def expected(
    work: VideoWork, continues: bool, plan: Plan, device_type: str, host: Host, catalog: Catalog
) -> Expected | None:
    """None where nothing can be learned: a device of no known type, a model that has left the
    catalog or was never measured."""
    model, device = catalog.models.get(work.model), catalog.devices.get(device_type)
    if model is None or device is None or unmeasured(model, catalog):
        return None
    asked = subject(model, catalog, clip_of(work, model, continues), device)
    return Expected(key_of(asked, plan), forecast(asked, plan, Circumstances(host)))


def seen(measured: Measured, law: Forecast) -> Seen:
    """A run that delivered. What was not measured, or not predicted, is None."""
    loaded = None if measured.warm else measured.load_seconds
    return Seen(
        memory=_ratio(measured.peak_gib, law.footprint.metered_gib),
        seconds=_ratio(measured.run_seconds, law.seconds),
        load=_ratio(loaded, law.load_seconds),
    )


def ran_out(promised_gib: float, law: Forecast) -> Seen:
    """A run that the device had no memory for, although it was promised so much."""
    return Seen(ran_out=_ratio(promised_gib, law.footprint.metered_gib))


def credible(seen: Seen) -> tuple[Seen, tuple[str, ...]]:
    """What of it can be believed, and a sentence on each ratio that cannot."""
    odd = {name: value for name in _RATIOS if not _is_credible(value := getattr(seen, name))}
    said = tuple(
        f"{_RATIOS[name]} was {value:.3g} times the predicted" for name, value in odd.items()
    )
    return replace(seen, **dict.fromkeys(odd)), said


def is_empty(seen: Seen) -> bool:
    """It says nothing."""
    return all(getattr(seen, name) is None for name in _RATIOS)


def _ratio(measured: float | None, predicted: float | None) -> float | None:
    if not measured or not predicted or measured < 0 or predicted < 0:
        return None
    return measured / predicted


def _is_credible(ratio: float | None) -> bool:
    return ratio is None or 1 / MOST_RATIO <= ratio <= MOST_RATIO
