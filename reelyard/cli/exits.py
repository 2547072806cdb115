"""What the command's exit code says. Documented in docs/cli.md; each has a test."""

from __future__ import annotations

from enum import IntEnum

from reelyard.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    ReelyardError,
    Unauthorized,
    Unreachable,
)


class ExitCode(IntEnum):
    """One meaning each, the same for every command."""

    OK = 0
    FAILED = 1  # the job failed or was cancelled, or something broke
    USAGE = 2  # the command or the script is wrong
    NOT_FOUND = 3
    UNAUTHORIZED = 4
    UNREACHABLE = 5
    NOBODY_CAN = 6  # no device of the farm can ever run it
    PARTLY = 7  # of several, some went well
    CONFLICT = 8
    TIMED_OUT = 124  # the wait is over, the job goes on
    INTERRUPTED = 130  # Ctrl-C: the job goes on


class TimedOut(ReelyardError):
    """The wait is over; the job goes on."""


class Interrupted(ReelyardError):
    """Ctrl-C: the job goes on."""


class NobodyCan(ReelyardError):
    """No device of the farm can ever run it."""


_CODES: tuple[tuple[type[ReelyardError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (Unauthorized, ExitCode.UNAUTHORIZED),
    (Unreachable, ExitCode.UNREACHABLE),
    (NobodyCan, ExitCode.NOBODY_CAN),
    (Conflict, ExitCode.CONFLICT),
    (TimedOut, ExitCode.TIMED_OUT),
    (Interrupted, ExitCode.INTERRUPTED),
)


def code_of(wrong: ReelyardError) -> ExitCode:
    """The exit code that an error ends the command with."""
    return next((code for kind, code in _CODES if isinstance(wrong, kind)), ExitCode.FAILED)


def code_of_many(codes: list[ExitCode]) -> ExitCode:
    """Of a command that did several things: 7 when they ended differently."""
    different = set(codes)
    if not different:
        return ExitCode.OK
    return different.pop() if len(different) == 1 else ExitCode.PARTLY
