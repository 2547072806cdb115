"""Follows a job to its end: looks, shows, and says how it came out.

Rides out a farm that is away for a moment. Ctrl-C ends the looking, never the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from reelyard.cli.exits import ExitCode, Interrupted, TimedOut
from reelyard.errors import Unreachable
from reelyard.states import FINAL_JOB_STATES, JobState

if TYPE_CHECKING:
    from reelyard.clock import Clock
    from reelyard.resources import JobView

LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 60.0


def follow(
    job_id: str,
    look: Callable[[], JobView],
    show: Callable[[JobView], None],
    clock: Clock,
    seconds: float | None = None,
) -> JobView:
    """The job when it has ended. Raises TimedOut, Interrupted, or what `look` raises for good."""
    deadline = None if seconds is None else clock.monotonic() + seconds
    job: JobView | None = None
    seen_at = clock.monotonic()
    try:
        while True:
            try:
                job, seen_at = look(), clock.monotonic()
                show(job)
            except Unreachable:
                if job is None or clock.monotonic() - seen_at > PATIENCE_SECONDS:
                    raise
            if job and job.state in FINAL_JOB_STATES:
                return job
            if deadline is not None and job and clock.monotonic() >= deadline:
                raise TimedOut(
                    f"{job.id} is still {job.state} after {seconds:g} s; it goes on.",
                    f"Look again with `reelyard watch {job.id}`.",
                )
            clock.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        raise interrupted(job_id) from None


def interrupted(job_id: str) -> Interrupted:
    """What Ctrl-C says."""
    return Interrupted(
        f"you stopped watching; {job_id} goes on.",
        f"Watch it again: reelyard watch {job_id}   Cancel it: reelyard cancel {job_id}",
    )


def outcome(job: JobView) -> ExitCode:
    """0 for a film, 1 for none."""
    return ExitCode.OK if job.state is JobState.DONE else ExitCode.FAILED
