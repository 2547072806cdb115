"""What is known of a storyboard before anything runs: its problems, and whether it can be done."""

from __future__ import annotations

from coordinator.api.bodies import Source
from coordinator.api.parts import Parts
from coordinator.api.pools import unknown_pools
from coordinator.api.problems import item_of
from coordinator.core.admission import Answer
from reelyard.errors import InvalidInput, Problem
from reelyard.limits import Findings, read_checked
from reelyard.predict.prices import NO_PRICES, Prices, read_prices
from reelyard.predict.views import Quote
from reelyard.resources import EstimateView, ValidationView
from reelyard.stamps import span, stamp
from reelyard.storyboard import Storyboard
from reelyard.terms import USUAL, Terms, problems_of


def sound(source: Source, given: Parts, terms: Terms) -> tuple[Storyboard, tuple[str, ...]]:
    """The storyboard, and what is worth knowing. Raises InvalidInput with all that is wrong with it
    and with the pools; times are checked when it is stored, unless it was before."""
    storyboard, found = _read(source, given)
    problems = [*found.problems, *unknown_pools(given.database, terms.pools)]
    if storyboard is None or problems:
        raise InvalidInput(problems)
    return storyboard, found.notes


def quote(source: Source, given: Parts, terms: Terms = USUAL) -> ValidationView:
    """The answer to a dry run."""
    storyboard, found = _read(source, given)
    now = given.clock.now()
    problems = [*found.problems, *terms_problems(terms, given)]
    if storyboard is None or problems:
        return ValidationView(ok=False, problems=[item_of(problem) for problem in problems])
    prices, unreadable = _prices(given)
    answer, quoted = given.intake.quote(storyboard, prices)
    if unreadable:
        quoted = quoted.model_copy(update={"assumptions": [*quoted.assumptions, unreadable]})
    return ValidationView(
        ok=True,
        notes=[*found.notes, *too_late(quoted, terms, now)],
        storyboard=storyboard.model_dump(mode="json", by_alias=True),
        estimate=estimated(storyboard, answer, quoted),
    )


def terms_problems(terms: Terms, given: Parts) -> list[Problem]:
    """All that is wrong with them here and now."""
    unknown = unknown_pools(given.database, terms.pools)
    return [*problems_of(terms, given.clock.now()), *unknown]


def too_late(quoted: Quote, terms: Terms, now: float) -> list[str]:
    """A note when the film would not be done by its deadline, were it alone on the farm."""
    if terms.deadline is None or quoted.done_in_seconds is None:
        return []
    done_at = max(now, terms.start_after or now) + quoted.done_in_seconds
    if done_at <= terms.deadline:
        return []
    late = span(done_at - terms.deadline)
    return [f"it would be done at about {stamp(done_at)}, {late} after its deadline"]


def _prices(given: Parts) -> tuple[Prices, str]:
    """The farm's prices as they are now, or what is wrong with them: then money is not known."""
    try:
        return read_prices(given.settings.prices_file, given.catalog.devices), ""
    except InvalidInput as wrong:
        return NO_PRICES, f"no money: REELYARD_PRICES_FILE: {wrong.problems[0].sentence()}"


def _read(source: Source, given: Parts) -> tuple[Storyboard | None, Findings]:
    return read_checked(source.body, source.media_type, given.catalog, given.settings)


def estimated(storyboard: Storyboard, answer: Answer, quoted: Quote) -> EstimateView:
    """The scheduler's answer with the storyboard's own figures and the quote."""
    lengths = [scene.seconds for scene in storyboard.scenes]
    return EstimateView(
        is_possible=answer.possible is not False,
        because=answer.because,
        scenes=len(lengths),
        tasks=answer.tasks,
        fixed_seconds=sum(seconds for seconds in lengths if seconds is not None),
        free_scenes=lengths.count(None),
        needs_gib=answer.needs_gib,
        quote=quoted,
    )
