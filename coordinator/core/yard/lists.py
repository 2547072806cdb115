"""Serving a closed batch: a device takes from its own list, beside it whatever else waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.core.yard.placing import may_take
from coordinator.core.yard.seats import ClassKey
from coordinator.core.yard.wishes import Step

if TYPE_CHECKING:
    from coordinator.core.yard.round import Round


def serve_lists(round: Round, key: ClassKey) -> bool:
    """The idle devices of one class. Whether any took something."""
    batch, seats, picker = round.yard.batch, round.yard.seats, round.picker
    if picker.closes[key[0]] <= 0 or batch.is_spent(key, picker):
        return False
    took, was_refused, listings = False, False, seats.listings[key]
    for number in seats.each(key):
        if round.is_enough():
            return took
        batch.renew(number, picker)
        found = _serve(round, number, key)
        took, was_refused = took or found == "took", was_refused or found == "refused"
    if not took and not was_refused:
        batch.spent[key] = listings
    return took


def _serve(round: Round, number: int, key: ClassKey) -> str:
    """What comes before the list, the list, what comes after it."""
    batch, picker = round.yard.batch, round.picker
    standing, was_refused = batch.stand(picker), False
    if standing.has_others:
        is_spare = not batch.lists.get(number)
        pick = picker.pick(*key, beside=standing.after, is_spare=is_spare)
        if pick is not None and may_take(round, pick.line, number):
            round.start(pick.line, (number,), pick.step)
            return "took"
    if chosen := batch.peek(number, picker, standing.ready):
        if may_take(round, chosen[1], number):
            round.start(batch.take(number, *chosen), (number,), Step.BATCH)
            return "took"
        was_refused = True
    if standing.has_later:
        pick = picker.pick(*key, beside=standing.members)
        if pick is not None and may_take(round, pick.line, number):
            round.start(pick.line, (number,), pick.step)
            return "took"
    return "refused" if was_refused else "nothing"
