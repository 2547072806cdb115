"""From what went wrong to a kind and a sentence. One line per case."""

from __future__ import annotations

import errno
import signal

import pytest
from pydantic import ValidationError

from reelyard.errors import ArtifactDamaged, NotFound, NotInstalled, StoreFull, Unreachable
from reelyard.failure import FailureKind
from reelyard.task import VoiceWork
from worker.desk import Stopped, TaskFailed
from worker.diagnose import diagnose, diagnose_exit

Kind = FailureKind


def like_torch(name: str, text: str) -> Exception:
    """An error of torch's, by its name alone: torch is not imported to diagnose."""
    error: Exception = type(name, (RuntimeError,), {})(text)
    return error


def invalid() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        VoiceWork.model_validate({})
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (TaskFailed(Kind.MODEL_MISSING, "No such model."), Kind.MODEL_MISSING, "No such model."),
        (Stopped(), Kind.CANCELLED, "stopped, as asked"),
        (MemoryError(), Kind.OUT_OF_MEMORY, "ran out of memory"),
        (like_torch("OutOfMemoryError", "CUDA"), Kind.OUT_OF_MEMORY, "ran out of memory"),
        (RuntimeError("CUDA error: out of memory"), Kind.OUT_OF_MEMORY, "ran out of memory"),
        (
            like_torch("AcceleratorError", "CUDA error: out of memory"),
            Kind.OUT_OF_MEMORY,
            "ran out of memory",
        ),
        (
            like_torch("AcceleratorError", "CUDA error: an illegal memory access"),
            Kind.CRASHED,
            "an illegal memory access",
        ),
        (OSError(errno.ENOSPC, "No space left"), Kind.DISK_FULL, "Free some space"),
        (OSError(errno.EDQUOT, "Quota"), Kind.DISK_FULL, "Free some space"),
        (StoreFull("No room."), Kind.DISK_FULL, "No room."),
        (Unreachable("No answer."), Kind.STORE_UNREACHABLE, "No answer."),
        (NotFound("No artifact."), Kind.UNKNOWN, "No artifact."),
        (ArtifactDamaged("Damaged."), Kind.UNKNOWN, "Damaged."),
        (NotInstalled("hibari is missing."), Kind.UNKNOWN, "hibari is missing."),
        (invalid(), Kind.BAD_INPUT, "does not make sense"),
        (OSError(errno.EACCES, "Denied"), Kind.UNKNOWN, "PermissionError"),
        (ValueError("no such luck\nsecond line"), Kind.UNKNOWN, "ValueError: no such luck."),
        (ValueError(), Kind.UNKNOWN, "The step failed with ValueError."),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else None,
)
def test_what_an_error_means(error: Exception, kind: FailureKind, said: str) -> None:
    failure = diagnose(error)
    assert failure.kind is kind
    assert said in failure.sentence


def test_the_detail_is_the_end_of_the_traceback() -> None:
    try:
        raise ValueError("x" * 10_000)
    except ValueError as error:
        detail = diagnose(error).detail
    assert len(detail) == 4000 and detail.rstrip().endswith("x")


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (-signal.SIGKILL, Kind.OUT_OF_MEMORY, "killed, most likely by the system"),
        (-signal.SIGSEGV, Kind.CRASHED, "died by SIGSEGV"),
        (-signal.SIGABRT, Kind.CRASHED, "died by SIGABRT"),
        (-40, Kind.CRASHED, "died by signal 40"),  # a real-time signal has no name
        (1, Kind.CRASHED, "died (code 1)"),
        (None, Kind.CRASHED, "died (code None)"),
    ],
)
def test_what_the_death_of_an_engine_means(code: int | None, kind: FailureKind, said: str) -> None:
    failure = diagnose_exit(code)
    assert failure.kind is kind and said in failure.sentence
