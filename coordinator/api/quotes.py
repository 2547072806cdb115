"""What is known of a storyboard before anything runs: its problems, and whether it can be done."""

from __future__ import annotations

from coordinator.api.bodies import Asked
from coordinator.api.parts import Parts
from coordinator.api.problems import item_of
from coordinator.core.admission import Answer
from reelyard.errors import InvalidInput
from reelyard.limits import Findings, check
from reelyard.resources import EstimateView, ValidationView
from reelyard.storyboard import Storyboard


def held_to_limits(asked: Asked, given: Parts) -> Findings:
    """What is worth knowing. Raises InvalidInput when anything is wrong."""
    found = check(asked.storyboard, given.catalog, given.settings, asked.where)
    if found.problems:
        raise InvalidInput(found.problems)
    return found


def quote(asked: Asked, given: Parts) -> ValidationView:
    """The answer to a dry run."""
    found = check(asked.storyboard, given.catalog, given.settings, asked.where)
    stored = asked.storyboard.model_dump(mode="json", by_alias=True)
    if found.problems:
        problems = [item_of(problem) for problem in found.problems]
        return ValidationView(ok=False, problems=problems, storyboard=stored)
    estimate = estimated(asked.storyboard, given.intake.admit(asked.storyboard))
    return ValidationView(ok=True, notes=list(found.notes), storyboard=stored, estimate=estimate)


def unreadable(wrong: InvalidInput) -> ValidationView:
    """The answer to a dry run of what is no storyboard at all."""
    return ValidationView(ok=False, problems=[item_of(problem) for problem in wrong.problems])


def estimated(storyboard: Storyboard, answer: Answer) -> EstimateView:
    """The scheduler's answer with the storyboard's own figures."""
    lengths = [scene.seconds for scene in storyboard.scenes]
    return EstimateView(
        is_possible=answer.possible is not False,
        because=answer.because,
        scenes=len(lengths),
        tasks=answer.tasks,
        fixed_seconds=sum(seconds for seconds in lengths if seconds is not None),
        free_scenes=lengths.count(None),
        needs_gib=answer.needs_gib,
    )
