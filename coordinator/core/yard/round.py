"""One look at the yard: every idle device is served until nobody takes anything. What is decided is
done to the yard at once, so that the next choice sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from coordinator.core.yard.lists import serve_lists
from coordinator.core.yard.picker import Picker
from coordinator.core.yard.placing import seat_for
from coordinator.core.yard.seats import ClassKey, Held, Run, held_by
from coordinator.core.yard.wishes import Decision, Start, Step

if TYPE_CHECKING:
    from coordinator.core.yard.yard import Yard


class Round:
    """`found`: what was decided so far; `has_more`: there is more to start than a tick may."""

    def __init__(self, yard: Yard, picker: Picker, found: list[Decision]) -> None:
        self.yard, self.picker, self.found = yard, picker, found
        self.has_more = False

    def serve(self) -> None:
        """Every class of idle devices, the fastest kind first, until nobody takes anything."""
        took = True
        while took and not self.has_more:
            took, wanted = False, self._wanted_models()
            declined: set[ClassKey] = set()
            for key in sorted(self.yard.seats.classes(), key=self._speed):
                alike = (key[0], key[1] & wanted)  # what nobody waits for makes no difference
                if alike in declined:
                    continue
                if self._serve_class(key):
                    took, declined = True, set()
                elif not self.yard.batch.is_on:
                    declined.add(alike)

    def is_enough(self) -> bool:
        """What is left is for the next tick, which comes at once."""
        self.has_more = self.has_more or len(self.found) >= self.yard.terms.most_per_tick
        return self.has_more

    def start(self, line: int, seats: tuple[int, ...], step: Step, begins_in: float = 0.0) -> None:
        """The line's next task goes there, behind what is there in so many seconds."""
        yard, picker = self.yard, self.picker
        key, shape = yard.lines.key(line), int(yard.lines.shape[line])
        task, since = yard.lines.take(line)
        kind = yard.seats.seats[seats[0]].kind
        load, cold = self.load_seconds(line, seats), self.cold(line, seats)
        seconds, gib = float(yard.prices.run[shape, kind]), float(yard.prices.gib[shape, kind])
        begins = picker.now + begins_in
        run = Run(task, key, shape, seats, begins, begins + load + seconds, since, gib)
        yard.place(run, load, seconds)
        self._note(line, run, load, cold)
        keys = tuple(yard.seats.seats[n].key for n in seats)
        self.found.append(Start(task, key, keys, seconds, load, step, begins_in))

    def load_seconds(self, line: int, seats: tuple[int, ...]) -> float:
        """Until the line's model is in the memory of all of these, of one kind."""
        shape, kind = int(self.yard.lines.shape[line]), self.yard.seats.seats[seats[0]].kind
        return float(self.yard.prices.load[shape, kind]) if self.cold(line, seats) else 0.0

    def cold(self, line: int, seats: tuple[int, ...]) -> int:
        """How many of these load: all of a gang, where one of them does not hold the model."""
        model = int(self.yard.prices.model[self.yard.lines.shape[line]])
        held = [self.yard.seats.seats[number].held for number in seats]
        return len(seats) if model >= 0 and any(model not in one for one in held) else 0

    def _note(self, line: int, run: Run, load: float, cold: int) -> None:
        """What the next choice has to know."""
        yard, picker = self.yard, self.picker
        if load > 0:
            kinds = list(yard.prices.kinds)
            kind = kinds[yard.seats.seats[run.seats[0]].kind]
            yard.holds.load(kind, picker.now + load, cold)
            picker.may_load = yard.holds.may_load(kinds, picker.now)
        picker.taken_from(line, held_by(yard.seats, run))
        yard.batch.standing = None
        if run.line.limits:
            picker.barred = yard.holds.barred(yard.lines)

    def _wanted_models(self) -> Held:
        lines = self.yard.lines
        shapes = lines.shape[: len(lines)][lines.count[: len(lines)] > 0]
        return frozenset(self.yard.prices.model[shapes].tolist())

    def _speed(self, key: ClassKey) -> tuple[float, Any]:
        """Of equal ones the one whose device has the first name: numbers are as things came."""
        seats = self.yard.seats
        return (-float(self.yard.forecast.worth[key[0]]), seats.seats[seats.first(key)].key)

    def _serve_class(self, key: ClassKey) -> bool:
        if self.yard.batch.is_on:
            return serve_lists(self, key)
        took, picker = False, self.picker
        full, pick = np.zeros(len(self.yard.lines), dtype=np.bool_), None
        while key in self.yard.seats.idle and picker.closes[key[0]] > 0:
            if pick is None or not picker.is_still_next(pick):
                pick = picker.pick(*key, beside=full)
            if pick is None:
                break
            number = seat_for(self, pick.line, key)
            if number is None:
                full[pick.line], pick = True, None
                continue
            self.start(pick.line, (number,), pick.step)
            took = True
            if self.is_enough():
                break
        return took
