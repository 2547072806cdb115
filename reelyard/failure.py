"""Why a try did not work, as data: the kind decides what follows, the sentence is for people."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class FailureKind(StrEnum):
    """What went wrong; `coordinator.core.recover` decides what follows from it."""

    OUT_OF_MEMORY = "out_of_memory"
    BAD_INPUT = "bad_input"
    MODEL_MISSING = "model_missing"
    DISK_FULL = "disk_full"
    STORE_UNREACHABLE = "store_unreachable"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    LOST = "lost"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


PERMANENT = frozenset({FailureKind.BAD_INPUT, FailureKind.MODEL_MISSING, FailureKind.CANCELLED})
"""No other try on the same farm would end otherwise."""


class Failure(BaseModel):
    """One try's failure: kind, a sentence that says what to do, and the folded detail."""

    model_config = ConfigDict(frozen=True)

    kind: FailureKind
    sentence: str
    detail: str = ""
