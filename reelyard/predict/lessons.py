"""What finished runs taught: per model, plan and type of device, how measured compares with
predicted. Pure: kept by the coordinator, exported and imported as JSON.

A ratio of 1.2 means that a run took 1.2 times what the law said. Estimates move with the evidence,
ranges narrow with it, and a bound never falls under what was seen; an out-of-memory raises it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

MEMORY_OF_ONE = 0.3
"""Weight of the newest run in the average: old drivers and libraries are forgotten in about ten."""
OUT_OF_MEMORY_MARGIN = 1.15
TRUST_AFTER = 2.0
"""Runs after which the evidence weighs as much as the law."""
LEAST_RANGE = 1.05


@dataclass(frozen=True, slots=True)
class Key:
    """What a lesson is about. `plan`: its sentence."""

    model: str
    plan: str
    device: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One finished or failed run: measured over predicted. None: not measured."""

    memory: float | None = None
    seconds: float | None = None
    load: float | None = None
    ran_out: float | None = None
    """The bound, over the prediction, with which it still ran out of memory."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the runs of one key say together. Ratios are geometric averages; `spread` is the average
    distance of a run from them, as a factor."""

    key: Key
    runs: int = 0
    timed: int = 0
    memory: float = 1.0
    most_memory: float = 0.0
    seconds: float = 1.0
    spread: float = 1.0
    load: float = 1.0
    loads: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Lessons:
    """Every lesson by key, and what all models of a device type say of it together."""

    by_key: Mapping[Key, Lesson] = field(default_factory=dict)
    by_device: Mapping[str, Lesson] = field(default_factory=dict)

    def of(self, key: Key) -> Lesson | None:
        """The lesson of this very model, plan and device."""
        return self.by_key.get(key)

    def seconds_ratio(self, key: Key) -> float:
        """What to multiply predicted seconds by: own evidence, else the device's, weighed."""
        device = self.by_device.get(key.device)
        start = 1.0 if device is None else _weighed(1.0, device.seconds, device.timed)
        own = self.by_key.get(key)
        return start if own is None else _weighed(start, own.seconds, own.timed)

    def load_ratio(self, key: Key) -> float:
        """The same for loads."""
        device, own = self.by_device.get(key.device), self.by_key.get(key)
        start = 1.0 if device is None else _weighed(1.0, device.load, device.loads)
        return start if own is None else _weighed(start, own.load, own.loads)

    def memory_ratio(self, key: Key) -> float:
        """What to multiply a predicted peak by."""
        own = self.by_key.get(key)
        return 1.0 if own is None else _weighed(1.0, own.memory, own.runs)

    def bound_ratio(self, key: Key) -> float:
        """No bound may be less than this times the predicted peak."""
        own = self.by_key.get(key)
        return 0.0 if own is None else own.most_memory

    def range_factor(self, key: Key, without: float) -> float:
        """The half-width of the range as a factor: `without` evidence, narrower with it, never
        narrower than the runs are apart."""
        own = self.by_key.get(key)
        if own is None or not own.timed:
            return without
        narrowed = math.exp(math.log(without) / math.sqrt(1 + own.timed))
        return max(LEAST_RANGE, own.spread, min(without, narrowed))


NOTHING = Lessons()


def gathered(lessons: Iterable[Lesson]) -> Lessons:
    """Lessons by key, with what each type of device says over all models."""
    by_key = {lesson.key: lesson for lesson in lessons}
    groups: dict[str, list[Lesson]] = {}
    for lesson in by_key.values():
        groups.setdefault(lesson.key.device, []).append(lesson)
    return Lessons(by_key, {device: _together(device, group) for device, group in groups.items()})


def learn(lesson: Lesson, seen: Seen) -> Lesson:
    """The lesson with one more run."""
    if seen.ran_out is not None:
        most = max(lesson.most_memory, seen.ran_out * OUT_OF_MEMORY_MARGIN)
        return replace(lesson, failures=lesson.failures + 1, most_memory=most)
    made = lesson
    if seen.memory is not None:
        made = replace(
            made,
            runs=lesson.runs + 1,
            memory=_average(lesson.memory, seen.memory, lesson.runs),
            most_memory=max(lesson.most_memory, seen.memory),
        )
    if seen.seconds is not None:
        made = _timed(made, seen.seconds)
    if seen.load is not None:
        load = _average(lesson.load, seen.load, lesson.loads)
        made = replace(made, load=load, loads=lesson.loads + 1)
    return made


def _timed(lesson: Lesson, ratio: float) -> Lesson:
    apart = max(ratio / lesson.seconds, lesson.seconds / ratio) if lesson.timed else 1.0
    return replace(
        lesson,
        seconds=_average(lesson.seconds, ratio, lesson.timed),
        spread=_average(lesson.spread, apart, lesson.timed),
        timed=lesson.timed + 1,
    )


def _average(before: float, now: float, count: int) -> float:
    """A geometric average: plain over the first runs, then the newest weighs MEMORY_OF_ONE."""
    weight = max(MEMORY_OF_ONE, 1 / (count + 1))
    return math.exp((1 - weight) * math.log(before) + weight * math.log(max(now, 1e-6)))


def _weighed(law: float, seen: float, runs: int) -> float:
    trust = runs / (runs + TRUST_AFTER)
    return math.exp((1 - trust) * math.log(law) + trust * math.log(seen))


def _together(device: str, lessons: list[Lesson]) -> Lesson:
    timed, loads = sum(one.timed for one in lessons), sum(one.loads for one in lessons)
    return Lesson(
        key=Key("", "", device),
        timed=timed,
        seconds=_mean([(one.seconds, one.timed) for one in lessons]),
        load=_mean([(one.load, one.loads) for one in lessons]),
        loads=loads,
    )


def _mean(weighted: list[tuple[float, int]]) -> float:
    total = sum(count for _, count in weighted)
    if not total:
        return 1.0
    return math.exp(sum(math.log(value) * count for value, count in weighted) / total)
