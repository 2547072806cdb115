"""An attempt in the hands of an engine, and what is said of it from outside. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reelyard.failure import Failure, FailureKind
from reelyard.messages import Measured, RunTask
from reelyard.task import Result, VideoWork, VoiceWork
from worker.power import UNCAPPED, Lowered

STUMBLED: Final = Failure(
    kind=FailureKind.UNKNOWN, sentence="The worker stumbled over it; the worker's log says how."
)


@dataclass(slots=True)
class Running:
    """The attempt that the engine has now, and when it must be over. `is_yielding`: it was asked to
    make room; `is_killed`: because it did not listen."""

    order: RunTask
    kill_at: float
    timeout_at: float
    reason: Failure | None = None
    is_yielding: bool = False
    is_killed: bool = False
    lowered: Lowered = UNCAPPED

    def noted(self, result: Result) -> Result:
        """The result, with what is to be said of the power limit."""
        note = self.lowered.note
        return result.model_copy(update={"notes": (*result.notes, note)}) if note else result

    def measured(self, by_engine: Measured) -> Measured:
        """What the engine measured, with the cap that it does not know of."""
        return by_engine.model_copy(update={"power_cap": self.lowered.share})


def too_long(order: RunTask) -> Failure:
    """It ran into its limit."""
    return Failure(
        kind=FailureKind.TIMEOUT,
        sentence=f"It was not done after {order.timeout_seconds:.0f} s and was stopped.",
    )


def model_of(order: RunTask) -> str:
    """The model or the voice that it needs, if it needs one."""
    match order.work:
        case VideoWork(model=model):
            return model
        case VoiceWork(voice=voice):
            return voice
    return ""
