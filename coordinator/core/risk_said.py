"""What people are told of a deadline: sentences with times and numbers. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Protocol

from coordinator.core.able import Able
from coordinator.core.asks import FarmHouse, lane_of
from coordinator.core.filters import LASTING, refusal
from coordinator.core.reasons import impossible_sentence
from coordinator.core.snapshot import Waiting
from reelyard.risk_views import Verdict
from reelyard.stamps import span, stamp_near
from reelyard.states import TaskKind, WorkerState

if TYPE_CHECKING:
    from coordinator.core.forward import Played
    from coordinator.core.remedies import Wants
    from coordinator.core.unfolded import Course

NO_WORKER = "nobody can tell: no worker has joined the farm yet"
NO_DEVICE = "no remedy found: no type of device in the farm can run all that is late"
NOBODY = "nobody can hold it, even alone on the farm"
_NAMED_JOBS = 3


class Range(Protocol):
    """Seconds since 1970."""

    @property
    def soonest(self) -> float: ...

    @property
    def likely(self) -> float: ...

    @property
    def latest(self) -> float: ...


def foreseen(
    verdict: Verdict, deadline: float, ends: Range, last: tuple[Waiting, float] | None, now: float
) -> str:
    """`will miss 07:00 UTC by 40 min: ends at about 07:40 UTC, after Scene 12 · picture at ...`"""
    due, end = stamp_near(deadline, now), _about(ends, now)
    after = _after(last, ends.likely, now)
    if verdict is Verdict.OVERDUE:
        return f"{due} passed {span(now - deadline)} ago; it ends {end}{after}"
    if verdict is Verdict.LATE:
        return f"will miss {due} by {span(ends.likely - deadline)}: it ends {end}{after}"
    if verdict is Verdict.TIGHT:
        late = span(ends.latest - deadline)
        return f"may miss {due} by up to {late}: it ends {end}{after}"
    early = span(deadline - ends.likely)
    return f"will hold {due}, with {early} to spare: it ends {end}{after}"


def stopped(task: Waiting) -> str:
    """A person has stopped its job."""
    how = "paused" if task.held_because is None else f"held: {task.held_because}"
    return f"nothing more of it starts, its job is {how}"


def impossible(task: Waiting, able: Able) -> str:
    """Why no device that is known will ever take it."""
    estimates, devices = able.estimates, able.farm.devices
    lasting = [d for d in devices if refusal(task, d, estimates.foresight, LASTING) is None]
    if not lasting:
        return f"{task.label}: {impossible_sentence(task, devices, estimates.foresight)}"
    refused = {estimates.house_refusal(task, kind) or "" for kind in able.kinds(lane_of(task.kind))}
    said = "; ".join(sorted(one for one in refused if one))
    return f"{task.label}: nobody may run this: {said}"


def stuck(course: Course, job_id: str, played: Played, able: Able) -> str:
    """Why a play did not bring it to its end."""
    left = [task for task in course.waiting_of(job_id) if task.id not in played.ends]
    first = next((t for t in left if not _waits_for(t, course, left)), None)
    if first is None:
        return "nobody can tell: what it waits for does not end"
    devices = able.devices(first)
    if not any(device.state is WorkerState.ONLINE for device in devices):
        one, many = "the only device", f"all {len(devices)} devices"
        who, are = (one, "is") if len(devices) == 1 else (many, "are")
        return f"nobody can tell: {who} that can run {first.label} {are} away"
    house, now = FarmHouse(course.farm.rules), course.farm.now
    if all(house.opens_in(kind, now) == inf for kind in able.of(first)):
        return f"nobody can tell: the devices that can run {first.label} never open"
    return f"nobody can tell: {first.label} does not start within what can be foreseen"


def cut(played: int, waiting: int) -> str:
    """Why some ends are estimates."""
    return (
        f"{waiting} tasks wait: the first {played} to start were played, "
        "what ends after them is estimated by volume"
    )


def jump(broken: Sequence[str] | None) -> str:
    """To the front, and who would pay for it."""
    found = "moved to the front it would be held"
    if broken is None:
        return f"{found}; what that costs other jobs was not tried"
    if not broken:
        return found
    more = len(broken) - _NAMED_JOBS
    named = ", ".join(broken[:_NAMED_JOBS]) + (f" and {more} more" if more > 0 else "")
    return f"{found}, but then {named} would miss a deadline"


def more(wants: Wants, count: int) -> str:
    """`one more 24 GiB card (rtx-4090) would hold it`"""
    return f"{wants.sentence(count)} would hold it"


def would_take(wants: Wants, count: int) -> str:
    """More than anybody will buy for it."""
    return f"no remedy found: it would take {wants.sentence(count)}"


def not_even(wants: Wants, count: int) -> str:
    """Something else is in the way: hours, caps, limits, or devices of another type."""
    return f"no remedy found: not even {wants.sentence(count)} would hold it"


def let_go(end: float | None, deadline: float) -> str:
    """What becomes of it when a person lets it go on."""
    if end is None:
        return "let go on now, nobody can tell when it would end"
    late = end - deadline
    return f"let go on now, it would be {span(abs(late))} {'late' if late > 0 else 'early'}"


def roughly(sentence: str) -> str:
    """Nobody has played it."""
    return f"{sentence}; estimated by volume"


def untried(job_id: str, is_alone: bool) -> str:
    """There is too much to play for every job, or even for one."""
    if is_alone:
        return "no remedy found: the farm has too much to do to try more"
    return f"no remedy was tried, the farm has too much to do: ask for {job_id} alone"


def _about(ends: Range, now: float) -> str:
    soonest, latest = stamp_near(ends.soonest, now), stamp_near(ends.latest, now)
    about = f"at about {stamp_near(ends.likely, now)}"
    if soonest == latest:
        return about
    return f"{about} ({soonest.removesuffix(' UTC')} to {latest})"


def _after(last: tuple[Waiting, float] | None, end: float, now: float) -> str:
    """The last part before the film; nothing where the film is all that is left."""
    if last is None or last[0].kind is TaskKind.COMPOSE or last[1] >= end:
        return ""
    return f", after {last[0].label} at {stamp_near(last[1], now)}"


def _waits_for(task: Waiting, course: Course, left: Sequence[Waiting]) -> bool:
    ids = {one.id for one in left}
    return any(need in ids for need in course.needs.get(task.id, ()))
