"""Turns what went wrong into a failure: a kind that decides what follows, a sentence for people."""

from __future__ import annotations

import errno
import signal
import traceback

from pydantic import ValidationError

from reelyard.errors import ArtifactDamaged, NotFound, ReelyardError, StoreFull, Unreachable
from reelyard.failure import Failure, FailureKind
from worker.desk import Stopped, TaskFailed

_DETAIL_CHARACTERS = 4000
_OUT_OF_MEMORY_NAMES = frozenset({"OutOfMemoryError", "MemoryError"})
_BROKEN_DEVICE_NAMES = frozenset({"AcceleratorError"})


def diagnose(error: BaseException) -> Failure:
    """What an exception of a step means."""
    if isinstance(error, TaskFailed):
        return error.failure
    kind, sentence = _meaning(error)
    detail = "".join(traceback.format_exception(error))[-_DETAIL_CHARACTERS:]
    return Failure(kind=kind, sentence=sentence, detail=detail)


def diagnose_exit(code: int | None) -> Failure:
    """What the death of an engine process means; negative codes are signals."""
    if code is not None and -code == signal.SIGKILL:
        return Failure(
            kind=FailureKind.OUT_OF_MEMORY,
            sentence="The engine process was killed, most likely by the system for want of memory.",
        )
    return Failure(kind=FailureKind.CRASHED, sentence=f"The engine process died {_how(code)}.")


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"(code {code})"
    known = {known.value: known.name for known in signal.Signals}
    return f"by {known.get(-code, f'signal {-code}')}"


def _meaning(error: BaseException) -> tuple[FailureKind, str]:
    if isinstance(error, Stopped):
        return FailureKind.CANCELLED, "It was stopped, as asked."
    if is_out_of_memory(error):
        return FailureKind.OUT_OF_MEMORY, "The device ran out of memory."
    if type(error).__name__ in _BROKEN_DEVICE_NAMES:
        return FailureKind.CRASHED, f"The device reported an error: {_first_line(error)}."
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FailureKind.DISK_FULL, "The disk is full. Free some space on the worker's machine."
    if isinstance(error, StoreFull):
        return FailureKind.DISK_FULL, str(error)
    if isinstance(error, Unreachable):
        return FailureKind.STORE_UNREACHABLE, str(error)
    if isinstance(error, NotFound | ArtifactDamaged):
        return FailureKind.UNKNOWN, f"An input is not in the store as it should be: {error}"
    if isinstance(error, ValidationError):
        return FailureKind.BAD_INPUT, f"The task does not make sense to this worker: {error}"
    if isinstance(error, ReelyardError):
        return FailureKind.UNKNOWN, str(error)
    return FailureKind.UNKNOWN, f"The step failed with {_first_line(error)}."


def _first_line(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0][:300]}" if said else type(error).__name__


def is_out_of_memory(error: BaseException) -> bool:
    """By name, so that torch need not be imported to ask."""
    named = type(error).__name__ in _OUT_OF_MEMORY_NAMES
    return named or "out of memory" in str(error).lower()
