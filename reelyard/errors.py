"""Everything that can go wrong and that a person should read about.

    ReelyardError
    +-- InvalidInput        the person can fix it: carries problems with field, value, limit, remedy
    +-- NotFound            no such job, task, worker, artifact
    +-- Conflict            the state does not allow it, or a key was used for something else
    +-- Unauthorized        no token, or a wrong one
    +-- Unreachable         a server does not answer
    |   +-- StoreFull       the artifact store has no room left
    +-- IllegalTransition   a state change that is not in the table: a defect of ours
    +-- NotInstalled        an optional part is missing; says which command adds it
    +-- ArtifactDamaged     stored bytes do not match their name

Each message says what to do next. Never raised for what a task does: that is a `Failure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with what a person asked for."""

    field: str
    message: str
    value: str = ""
    limit: str = ""
    remedy: str = ""
    line: int | None = None

    def sentence(self) -> str:
        """`line 7: scenes[2].seconds: must be ... (got 0; limit 0.5 to 60). Give ...`"""
        where = f"line {self.line}: " if self.line else ""
        facts = "; ".join(
            part
            for part in (
                f"got {self.value}" if self.value else "",
                f"limit {self.limit}" if self.limit else "",
            )
            if part
        )
        said = f"{where}{self.field}: {self.message}" + (f" ({facts})" if facts else "")
        return f"{said}. {self.remedy}" if self.remedy else said


class ReelyardError(Exception):
    """The root of the tree; `remedy` says what to do next."""

    remedy = "See `reelyard doctor`."

    def __init__(self, message: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if remedy is not None:
            self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InvalidInput(ReelyardError):
    """What was asked for cannot be done as written; every problem is listed at once."""

    remedy = ""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.sentence() for problem in self.problems))


class NotFound(ReelyardError):
    """There is no such thing here."""

    remedy = "List what there is with `reelyard jobs`."


class Conflict(ReelyardError):
    """The present state does not allow it."""

    remedy = "Look at the present state with `reelyard show`."


class Unauthorized(ReelyardError):
    """No token was given, or it is not one of this farm."""

    remedy = "Give a token with REELYARD_TOKEN or REELYARD_TOKEN_FILE."


class Unreachable(ReelyardError):
    """A server does not answer."""

    remedy = "Is the farm running? Start it with `reelyard up`."


class StoreFull(Unreachable):
    """The artifact store has no room left."""

    remedy = "Free some space where REELYARD_STORE_URL points."


class IllegalTransition(ReelyardError):
    """A state change that no table allows."""

    remedy = "This is a defect of Reelyard: please report it with the story of the job."

    def __init__(self, state: str, event: str) -> None:
        super().__init__(f"nothing says what becomes of {state!r} on {event!r}.")
        self.state, self.event = state, event


class NotInstalled(ReelyardError):
    """An optional part is missing."""

    remedy = "Run `reelyard doctor`."


class ArtifactDamaged(ReelyardError):
    """The bytes in the store are not those that were put there."""

    remedy = "Render the task again: `reelyard show` names it."
