"""What a try that ended teaches the predictor: measured over predicted, for the plan that ran.

Ratios are against the bare law, without what was learned before. One that no law can be wrong by is
left out and told of: then something else was measured. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from coordinator.core.foresight import clip_of
from reelyard.catalog import Catalog
from reelyard.errors import InvalidInput, Problem
from reelyard.messages import Measured
from reelyard.plan import Plan
from reelyard.predict.ask import unmeasured
from reelyard.predict.energy import cap_watts
from reelyard.predict.exchange import lesson_of
from reelyard.predict.forecast import Circumstances, Forecast, Host, forecast, key_of
from reelyard.predict.lessons import Key, Lesson, Seen
from reelyard.predict.subject import subject
from reelyard.predict.views import LessonList, LessonView
from reelyard.task import VideoWork

MOST_RATIO = 50.0
"""A law may be wrong, but not by this much."""
_MOST_RUNS = 1_000_000_000
_NAMES = {"model": 100, "plan": 200, "device": 100}
_RATIOS = {"memory": "memory", "seconds": "time", "load": "load time", "ran_out": "memory"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the bare law says of the plan that ran, and what its lesson is kept under."""

    key: Key
    way: Forecast


def expected(
    work: VideoWork,
    continues: bool,
    plan: Plan,
    device_type: str,
    host: Host,
    catalog: Catalog,
    power_cap: float | None = None,
) -> Expected | None:
    """None where nothing can be learned: a device of no known type, a model that has left the
    catalog or was never measured. A run at a share of the power limit is held against what the law
    says of that share, so that its lesson is one for any."""
    model, device = catalog.models.get(work.model), catalog.devices.get(device_type)
    if model is None or device is None or unmeasured(model, catalog):
        return None
    asked = subject(model, catalog, clip_of(work, model, continues), device)
    under = Circumstances(host, cap_w=cap_watts(device, power_cap))
    return Expected(key_of(asked, plan), forecast(asked, plan, under))


def seen(measured: Measured, law: Forecast) -> Seen:
    """A run that delivered. What was not measured, or not predicted, is None: so is the time of one
    that went on where an earlier try was left."""
    loaded = None if measured.warm else measured.load_seconds
    run = None if measured.steps_before else measured.run_seconds
    return Seen(
        memory=_ratio(measured.peak_gib, law.footprint.metered_gib),
        seconds=_ratio(run, law.seconds),
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


def trusted(given: LessonList) -> list[Lesson]:
    """Lessons that somebody sends. Raises InvalidInput with every figure that cannot be true."""
    problems = [p for n, view in enumerate(given.data) for p in _problems(f"data.{n}", view)]
    if problems:
        raise InvalidInput(problems)
    return [lesson_of(view) for view in given.data]


def _problems(where: str, view: LessonView) -> Iterator[Problem]:
    remedy = "Send what `reelyard models learned --export` wrote."
    for name, most in _NAMES.items():
        text = str(getattr(view, name))
        if not 1 <= len(text) <= most or not text.isprintable():
            limit = f"1 to {most} plain characters"
            yield Problem(f"{where}.{name}", "is no name", text[:80], limit, remedy)
    for name in ("memory", "seconds", "load", "spread"):
        value = float(getattr(view, name))
        if not _is_credible(value):
            limit = f"{1 / MOST_RATIO:g} to {MOST_RATIO:g}"
            yield Problem(f"{where}.{name}", "cannot be true", f"{value:g}", limit, remedy)
    if not view.most_memory <= MOST_RATIO:
        limit = f"at most {MOST_RATIO:g}"
        yield Problem(
            f"{where}.most_memory", "cannot be true", f"{view.most_memory:g}", limit, remedy
        )
    for name in ("runs", "timed", "loads", "failures"):
        count = int(getattr(view, name))
        if count > _MOST_RUNS:
            limit = f"at most {_MOST_RUNS}"
            yield Problem(f"{where}.{name}", "are too many", str(count), limit, remedy)


def _ratio(measured: float | None, predicted: float | None) -> float | None:
    if not measured or not predicted or measured < 0 or predicted < 0:
        return None
    return measured / predicted


def _is_credible(ratio: float | None) -> bool:
    return ratio is None or 1 / MOST_RATIO <= ratio <= MOST_RATIO
